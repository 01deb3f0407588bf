//! A server that is told to end while it is at work.

use std::time::Duration;

use strongroom_base::clock::system_instant;

use crate::cloud_client::wait_for;
use crate::installation::{Installation, RealServer, make_image, signal};
use crate::program::MIB;

/// What running steps are given, and a little.
const GRACE: Duration = Duration::from_secs(11);
/// What a server that waits for a disk may take to end.
const BOUND: Duration = Duration::from_secs(25);
/// Sooner than a lease runs out.
const SOON: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_mins(1);

/// The process that reads a disk for the server; those that only look at it come and go.
fn reader_of(server: &RealServer) -> u32 {
    let is_reader = |child: &u32| {
        let name = std::fs::read_to_string(format!("/proc/{child}/comm"));
        name.is_ok_and(|name| name.trim() == "qemu-nbd")
    };
    let find = || server.children().into_iter().find(is_reader);
    wait_for("the server reads the disk", LONG, || find().is_some());
    find().expect("it reads for longer than we look")
}

#[test]
fn stopped_server_hands_its_backup_back() {
    let world = Installation::new(&[]);
    let disk = world.setup.disks.join("disk.qcow2");
    make_image(&disk, 1024 * MIB, 128 * MIB, 4);
    let (mut server, client) = world.setup.start_first();
    let vault = client.make_vault("vault", &[&client.adopt("disk", &disk)]);
    client.send(&client.backup_of(&vault));
    // The disk answers no more, so that the backup takes longer than the server waits for it.
    let reader = reader_of(&server);
    signal(reader, "STOP");
    server.signal("TERM");
    std::thread::sleep(GRACE);
    signal(reader, "CONT");
    let status = server.wait(BOUND).expect("a server ends when its disk answers again");
    assert!(status.success(), "{}", server.said());

    let (server, address) = world.setup.start();
    let client = client.at(address);
    assert_eq!(client.backups(&vault)[0]["status"], "protecting", "it was not handed back");
    client.settle(SOON);
    assert_eq!(client.backups(&vault)[0]["status"], "available");
    server.stop();
}

#[test]
fn stopped_server_does_not_wait_for_a_disk_that_hangs() {
    let world = Installation::new(&[]);
    let disk = world.setup.disks.join("disk.qcow2");
    make_image(&disk, 1024 * MIB, 128 * MIB, 5);
    let (mut server, client) = world.setup.start_first();
    let vault = client.make_vault("vault", &[&client.adopt("disk", &disk)]);
    client.send(&client.backup_of(&vault));
    let reader = reader_of(&server);
    signal(reader, "STOP");
    server.signal("TERM");
    let began = system_instant();
    let status = server.wait(BOUND);
    signal(reader, "KILL");
    assert!(status.is_some(), "{:?}: {}", began.elapsed(), server.said());
}
