//! Image formats through QEMU.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use strongroom_base::block::testing::check_source;
use strongroom_base::{BlockSource, ByteRange, ExtentKind, SourceError};
use strongroom_source::{DiskFormat, DiskSpec, OpenOptions, open_source};

use crate::machine::{Loop, folder, pattern, qcow2, run, s, sparse, wait_until};

fn open(path: &Path) -> Result<Box<dyn BlockSource>, SourceError> {
    open_source(&DiskSpec::new(path), OpenOptions::default())
}

fn refusal(path: &Path) -> SourceError {
    open(path).map(|_| ()).expect_err("the image is refused")
}

#[test]
fn qcow2_passes_the_suite() {
    let dir = folder();
    let bytes = pattern((40 << 20) + 512, 1);
    // A comma ends an option of QEMU's, a colon a protocol.
    let path = qcow2(dir.path(), "a,b:c d.qcow2", &bytes);
    check_source(open(&path).unwrap().as_ref(), &bytes);
    let by_format = path.with_extension("img");
    run("mv", [&path, &by_format]);
    assert!(matches!(refusal(&by_format), SourceError::Unusable { .. }));
    let spec = DiskSpec::new(by_format).with_format(DiskFormat::Qcow2);
    check_source(open_source(&spec, OpenOptions::default()).unwrap().as_ref(), &bytes);
}

#[test]
fn other_formats_pass_the_suite() {
    let dir = folder();
    let bytes = pattern(4 << 20, 2);
    let raw = dir.path().join("raw");
    sparse(&raw, &bytes);
    for (format, name, options) in
        [("vdi", "d.vdi", ""), ("vhdx", "d.vhdx", ""), ("vpc", "d.vhd", "force_size=on")]
    {
        let path = dir.path().join(name);
        let mut arguments = vec!["convert", "-q", "-f", "raw", "-O", format];
        if !options.is_empty() {
            arguments.extend(["-o", options]);
        }
        run("qemu-img", arguments.into_iter().chain([s(&raw), s(&path)]));
        check_source(open(&path).unwrap().as_ref(), &bytes);
    }
}

#[test]
fn qcow2_on_a_block_device_passes_the_suite() {
    let dir = folder();
    let bytes = pattern(4 << 20, 3);
    let path = qcow2(dir.path(), "disk.qcow2", &bytes);
    let device = Loop::attach(&path, &[]);
    let spec = DiskSpec::new(&device.0).with_format(DiskFormat::Qcow2);
    check_source(open_source(&spec, OpenOptions::default()).unwrap().as_ref(), &bytes);
}

#[test]
fn qcow2_extents_are_exact_to_the_cluster() {
    let dir = folder();
    let mut bytes = vec![0; 64 << 20];
    bytes[10 << 20..11 << 20].fill(7);
    let source = open(&qcow2(dir.path(), "disk.qcow2", &bytes)).unwrap();
    let data: Vec<_> = source
        .extents(ByteRange::at(0, 64 << 20))
        .unwrap()
        .into_iter()
        .filter(|extent| extent.kind == ExtentKind::Data)
        .map(|extent| extent.range)
        .collect();
    assert_eq!(data, [ByteRange { start: 10 << 20, end: 11 << 20 }]);
}

#[test]
fn image_that_is_none_names_the_tool_that_failed() {
    let dir = folder();
    let path = dir.path().join("disk");
    sparse(&path, &pattern(100_000, 4));
    let spec = DiskSpec::new(&path).with_format(DiskFormat::Qcow2);
    let result = open_source(&spec, OpenOptions::default()).map(|_| ());
    let Err(SourceError::Access { why, .. }) = result else { panic!("{result:?}") };
    assert!(why.contains("not in qcow2 format"), "{why}");
    let named = dir.path().join("disk.qcow2");
    sparse(&named, &[]);
    assert!(matches!(refusal(&named), SourceError::Unusable { .. }));
}

// proves: SRC-5
#[test]
fn changed_image_is_found_at_the_end() {
    let dir = folder();
    let path = qcow2(dir.path(), "disk.qcow2", &pattern(1 << 20, 5));
    let source = open(&path).unwrap();
    source.check_unchanged().unwrap();
    let file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut &file, b"x").unwrap();
    assert!(matches!(source.check_unchanged(), Err(SourceError::Changed { .. })));
}

/// An overlay in the folder of its backing file, made by `qemu-img` with `options`.
fn overlay(dir: &Path, backing: &str, options: &[&str]) -> std::path::PathBuf {
    let path = dir.join("top.qcow2");
    let arguments = [&["create", "-q", "-f", "qcow2", "-b", backing], options].concat();
    run("qemu-img", arguments.into_iter().chain([s(&path)]));
    path
}

#[test]
fn overlay_is_read_through_its_chain_and_the_chain_is_watched() {
    let dir = folder();
    let bytes = pattern(2 << 20, 6);
    let base = qcow2(dir.path(), "base.qcow2", &bytes);
    let source = open(&overlay(dir.path(), "base.qcow2", &["-F", "qcow2"])).unwrap();
    check_source(source.as_ref(), &bytes);
    fs::OpenOptions::new().append(true).open(base).unwrap().set_len(10 << 20).unwrap();
    assert!(matches!(source.check_unchanged(), Err(SourceError::Changed { .. })));
}

#[test]
fn overlay_on_raw_is_never_probed() {
    let dir = folder();
    let bytes = pattern(2 << 20, 7);
    sparse(&dir.path().join("base"), &bytes);
    let path = overlay(dir.path(), "base", &["-F", "raw"]);
    check_source(open(&path).unwrap().as_ref(), &bytes);
    // The same without the format in the header: QEMU would look at the content.
    run("qemu-img", ["create", "-q", "-f", "qcow2", s(&path), "2M"]);
    let mut header = fs::read(&path).unwrap();
    header[8..16].copy_from_slice(&504_u64.to_be_bytes());
    header[16..20].copy_from_slice(&4_u32.to_be_bytes());
    header[504..508].copy_from_slice(b"base");
    fs::File::create(&path).and_then(|f| std::io::Write::write_all(&mut &f, &header)).unwrap();
    let error = refusal(&path);
    let SourceError::Unusable { why, .. } = &error else { panic!("{error:?}") };
    assert!(why.contains("which format"), "{why}");
}

// proves: SRC-3
#[test]
fn references_out_of_the_folder_are_refused() {
    let dir = folder();
    let images = dir.path().join("images");
    fs::create_dir(&images).unwrap();
    let bytes = pattern(1 << 20, 8);
    sparse(&dir.path().join("secret"), &bytes);
    symlink(dir.path().join("secret"), images.join("link")).unwrap();
    for backing in ["../secret", "link", s(&dir.path().join("secret"))] {
        let path = overlay(&images, backing, &["-F", "raw"]);
        let error = refusal(&path);
        assert!(matches!(error, SourceError::Unusable { .. }), "{backing}: {error:?}");
        let options = OpenOptions { any_backing: true, ..OpenOptions::default() };
        check_source(open_source(&DiskSpec::new(path), options).unwrap().as_ref(), &bytes);
    }
    let path =
        overlay(&images, "json:{\"driver\":\"null-co\"}", &["-u", "-F", "raw", "-o", "size=1M"]);
    assert!(matches!(refusal(&path), SourceError::Unusable { .. }));
}

#[test]
fn external_data_file_follows_the_same_rule() {
    let dir = folder();
    let images = dir.path().join("images");
    fs::create_dir(&images).unwrap();
    let make = |data: &Path| {
        let path = images.join("disk.qcow2");
        let option = format!("data_file={},data_file_raw=on", s(data));
        run("qemu-img", ["create", "-q", "-f", "qcow2", "-o", &option, s(&path), "1M"]);
        sparse(data, &pattern(1 << 20, 9));
        path
    };
    let inside = make(&images.join("data"));
    check_source(open(&inside).unwrap().as_ref(), &pattern(1 << 20, 9));
    let outside = make(&dir.path().join("data"));
    assert!(matches!(refusal(&outside), SourceError::Unusable { .. }));
}

#[test]
fn server_ends_with_its_source() {
    let dir = folder();
    let path = qcow2(dir.path(), "unique-server-name.qcow2", &pattern(1 << 20, 10));
    let servers = || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let lines = processes.filter_map(|p| fs::read_to_string(p.path().join("cmdline")).ok());
        lines.filter(|l| l.starts_with("qemu-nbd") && l.contains(s(&path))).count()
    };
    let source = open(&path).unwrap();
    assert_eq!(servers(), 1);
    drop(source);
    wait_until(|| servers() == 0);
}
