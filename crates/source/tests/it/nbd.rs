//! The NBD client against QEMU's servers.

use std::os::unix::net::UnixStream;
use std::path::Path;

use strongroom_base::{ByteRange, ExtentKind};
use strongroom_source::nbd::{Client, NbdError};

use crate::machine::{Process, command, folder, greets, pattern, qcow2, run, s};

/// A storage daemon with one export `disk`.
fn serve(image: &Path, socket: &Path, writable: &str) -> Process {
    let mut daemon = command("qemu-storage-daemon");
    daemon
        .arg("--blockdev")
        .arg(format!("driver=file,node-name=f,filename={},discard=unmap", s(image)))
        .args(["--blockdev", "driver=qcow2,node-name=q,file=f,discard=unmap"])
        .arg("--nbd-server")
        .arg(format!("addr.type=unix,addr.path={},max-connections=4", s(socket)))
        .arg("--export")
        .arg(format!("type=nbd,id=e,node-name=q,name=disk,writable={writable}"));
    let socket = socket.to_owned();
    Process::start(daemon, move || greets(&socket))
}

fn connect(socket: &Path, name: &str) -> Result<Client<UnixStream>, NbdError> {
    Client::connect(UnixStream::connect(socket).unwrap(), name)
}

#[test]
fn client_writes_zeroes_flushes_and_reads_back() {
    let dir = folder();
    let socket = dir.path().join("nbd");
    let mut bytes = pattern(8 << 20, 1);
    let image = qcow2(dir.path(), "disk.qcow2", &bytes);
    let server = serve(&image, &socket, "on");
    let mut client = connect(&socket, "disk").unwrap();
    assert!(client.export().is_structured && client.export().allocation.is_some());
    assert_eq!(client.export().size, 8 << 20);

    client.write_at(1_234_567, &vec![9; 100_001]).unwrap();
    bytes[1_234_567..1_334_568].fill(9);
    client.write_zeroes(ByteRange { start: 0, end: 1 << 20 }).unwrap();
    bytes[..1 << 20].fill(0);
    client.flush().unwrap();
    let mut read = vec![1; bytes.len()];
    client.read_at(0, &mut read).unwrap();
    assert!(read == bytes);
    let first = client.extents(ByteRange::at(0, 8 << 20)).unwrap()[0];
    assert_eq!((first.kind, first.range), (ExtentKind::Zero, ByteRange::at(0, 1 << 20)));
    assert!(matches!(client.read_at(8 << 20, &mut [0]), Err(NbdError::OutOfRange { .. })));
    client.disconnect();
    assert!(matches!(client.flush(), Err(NbdError::Broken)));
    drop(server);
    run("qemu-img", ["check", "-q", s(&image)]);
}

#[test]
fn read_only_export_is_shared_and_refuses_writes() {
    let dir = folder();
    let socket = dir.path().join("nbd");
    let bytes = pattern(1 << 20, 2);
    let server = serve(&qcow2(dir.path(), "disk.qcow2", &bytes), &socket, "off");
    let mut client = connect(&socket, "disk").unwrap();
    assert!(client.export().flags.can_multi_conn());
    assert!(matches!(client.write_at(0, &[1]), Err(NbdError::ReadOnly)));
    let refused = connect(&socket, "another").map(drop);
    assert!(matches!(refused, Err(NbdError::Refused { .. })), "{refused:?}");
    drop(server);
    assert!(matches!(client.read_at(0, &mut [0; 10]), Err(NbdError::Io(_))));
    assert!(matches!(client.read_at(0, &mut [0; 10]), Err(NbdError::Broken)));
}
