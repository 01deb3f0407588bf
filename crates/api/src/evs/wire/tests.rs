use serde_json::json;

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "literals are passed")]
fn message(volume: Value) -> String {
    match read_new(&json!({"volume": volume})) {
        Err(Failure::Invalid(invalid)) => format!("{}: {}", invalid.field, invalid.message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn read_new_takes_what_clients_send() {
    let disk = read_new(&json!({"volume": {"name": "d", "size": 10, "volume_type": "ssd"}}));
    let disk = disk.unwrap();
    assert_eq!((disk.size_gigabytes, disk.volume_type.as_str()), (10, "SSD"));
    // One client writes everything down that it leaves out.
    let nulls = json!({"volume": {
        "size": 1, "name": null, "description": null, "availability_zone": null,
        "imageRef": null, "snapshot_id": null, "source_volid": null, "backup_id": null,
        "consistencygroup_id": null, "metadata": null, "volume_type": null,
    }});
    let disk = read_new(&nulls).unwrap();
    assert_eq!((disk.name.as_str(), disk.volume_type.as_str()), ("", "SSD"));
}

// proves: API-8
#[test]
fn read_new_names_what_is_wrong() {
    for (volume, expected) in [
        (json!({}), "size: volume.size must be present"),
        (json!({"size": "1"}), "size: volume.size must be an integer"),
        (json!({"size": 0}), "size: volume.size must be 1 to 32768"),
        (json!({"size": 32769}), "size: volume.size must be 1 to 32768"),
        (
            json!({"size": 1, "volume_type": "tape"}),
            "volume_type: volume.volume_type must be one of: SATA SAS SSD GPSSD ESSD",
        ),
        (
            json!({"size": 1, "backup_id": "x"}),
            "backup_id: volume.backup_id must be absent: disks are made empty",
        ),
        (json!({"size": 1, "count": 2}), "count: volume.count must be 1"),
        (
            json!({"size": 1, "metadata": {"a": 1}}),
            "metadata: volume.metadata must be an object of strings",
        ),
        (
            json!({"size": 1, "name": "x".repeat(256)}),
            "name: volume.name must be at most 255 characters",
        ),
    ] {
        assert_eq!(message(volume), expected);
    }
}

#[test]
fn devices_are_lettered_like_columns() {
    let names = [0, 1, 25, 26, 27, 51, 52].map(device);
    let expected = ["vda", "vdb", "vdz", "vdaa", "vdab", "vdaz", "vdba"];
    assert_eq!(names, expected.map(|name| format!("/dev/{name}")));
}
