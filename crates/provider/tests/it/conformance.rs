//! The suite, on this host and on the fake.

use std::any::Any;
use std::path::{Path, PathBuf};

use strongroom_model::disk::DiskImageFormat;
use strongroom_provider::testing::{Bench, FakeProvider, check_provider};
use strongroom_provider::{DiskPlace, LocalProvider, Provider};

use crate::machine::{Host, hold, qcow2, raw};

struct LocalBench {
    host: Host,
    provider: LocalProvider,
}

impl Bench for LocalBench {
    fn provider(&self) -> &dyn Provider {
        &self.provider
    }

    fn put(&self, name: &str, format: DiskImageFormat, bytes: &[u8]) -> PathBuf {
        let path = self.host.root.join(name);
        match format {
            DiskImageFormat::Qcow2 => qcow2(&path, bytes).path,
            DiskImageFormat::Raw | DiskImageFormat::Block => raw(&path, bytes).path,
        }
    }

    fn hold(&self, disk: &DiskPlace) -> Box<dyn Any> {
        Box::new(hold(disk))
    }

    fn outside(&self) -> PathBuf {
        raw(&self.host.elsewhere.join("disk"), &[1; 512]).path
    }
}

// proves: PROV-1, PROV-4, PROV-5
#[test]
fn local_provider_passes_the_suite() {
    let host = Host::new();
    let provider = host.provider();
    check_provider(&LocalBench { host, provider });
}

struct FakeBench(FakeProvider);

struct FakeGuest(FakeProvider, PathBuf);

impl Drop for FakeGuest {
    fn drop(&mut self) {
        self.0.set_user(&self.1, None);
    }
}

impl Bench for FakeBench {
    fn provider(&self) -> &dyn Provider {
        &self.0
    }

    fn put(&self, name: &str, format: DiskImageFormat, bytes: &[u8]) -> PathBuf {
        self.0.put(name, format, bytes.to_vec()).path
    }

    fn hold(&self, disk: &DiskPlace) -> Box<dyn Any> {
        self.0.set_user(&disk.path, Some("a guest runs"));
        Box::new(FakeGuest(self.0.clone(), disk.path.clone()))
    }

    fn outside(&self) -> PathBuf {
        Path::new("/elsewhere/disk").to_owned()
    }
}

#[test]
fn fake_provider_passes_the_suite() {
    check_provider(&FakeBench(FakeProvider::new()));
}
