"""huaweicloudsdkcbr by access key: a disk and a stopped server, from the vault to its end."""

import os

from ground import PROJECT, URL, adopt_disk, adopt_server, destroy, digest, expect, say, wait_for
from huaweicloudsdkcbr.v1 import (
    BackupRestore,
    BackupRestoreReq,
    BackupRestoreServerMapping,
    BillingCreate,
    CbrClient,
    CheckpointParam,
    CreateCheckpointRequest,
    CreateVaultRequest,
    DeleteBackupRequest,
    DeleteVaultRequest,
    ListBackupsRequest,
    ListOpLogsRequest,
    ResourceCreate,
    RestoreBackupRequest,
    ShowBackupRequest,
    ShowCheckpointRequest,
    ShowVaultRequest,
    VaultBackup,
    VaultBackupReq,
    VaultCreate,
    VaultCreateReq,
)
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

credentials = BasicCredentials(
    os.environ["OS_ACCESS_KEY"], os.environ["OS_SECRET_KEY"], PROJECT
)
client = CbrClient.new_builder().with_credentials(credentials).with_endpoints([URL]).build()


def is_absent(look, code):
    """Whether a thing is gone: 404 with its code."""
    try:
        look()
        return False
    except ClientRequestException as error:
        expect((error.status_code, error.error_code) == (404, code), error)
        return True


def make_vault(name, kind, resource, resource_type):
    billing = BillingCreate(
        object_type=kind, protect_type="backup", consistent_level="crash_consistent", size=100
    )
    resources = [ResourceCreate(id=resource, type=resource_type)]
    body = VaultCreateReq(vault=VaultCreate(name=name, billing=billing, resources=resources))
    vault = client.create_vault(CreateVaultRequest(body=body)).vault
    expect(vault.billing.object_type == kind and vault.resources[0].id == resource, vault)
    say(f"vault {name} is {vault.id}")
    return vault.id


def protect(vault, name):
    body = VaultBackupReq(
        checkpoint=VaultBackup(vault_id=vault, parameters=CheckpointParam(name=name))
    )
    made = client.create_checkpoint(CreateCheckpointRequest(body=body)).checkpoint

    def is_done():
        request = ShowCheckpointRequest(checkpoint_id=made.id)
        status = client.show_checkpoint(request).checkpoint.status
        expect(status in ("protecting", "available"), f"checkpoint {status}")
        return status == "available"

    wait_for("the checkpoint", is_done)
    found = client.list_backups(ListBackupsRequest(vault_id=vault)).backups
    expect([backup.name for backup in found] == [name], found)
    say(f"backup {name} is {found[0].id}")
    return found[0]


def restore(backup, wanted):
    body = BackupRestoreReq(restore=wanted)
    client.restore_backup(RestoreBackupRequest(backup_id=backup.id, body=body))
    request = ShowBackupRequest(backup_id=backup.id)
    wait_for("the restore", lambda: client.show_backup(request).backup.status == "available")


def clean_up(vault, backup):
    client.delete_backup(DeleteBackupRequest(backup_id=backup.id))
    look = lambda: client.show_backup(ShowBackupRequest(backup_id=backup.id))
    wait_for("the backup's end", lambda: is_absent(look, "BackupService.6200"))
    client.delete_vault(DeleteVaultRequest(vault_id=vault))
    look = lambda: client.show_vault(ShowVaultRequest(vault_id=vault))
    wait_for("the vault's end", lambda: is_absent(look, "BackupService.6105"))


def disk():
    path, disk_id = adopt_disk("sdk-disk")
    before = digest(path)
    vault = make_vault("sdk-disks", "disk", disk_id, "OS::Cinder::Volume")
    backup = protect(vault, "sdk-disk-backup")
    destroy(path)
    restore(backup, BackupRestore(volume_id=disk_id))
    expect(digest(path) == before, "the disk is what it was")
    say(f"restored {before}")
    clean_up(vault, backup)


def server():
    paths, server_id, disk_ids = adopt_server("sdk-server")
    before = [digest(path) for path in paths]
    vault = make_vault("sdk-servers", "server", server_id, "OS::Nova::Server")
    backup = protect(vault, "sdk-server-backup")
    expect({child.resource_id for child in backup.children} == set(disk_ids), backup)
    for path in paths:
        destroy(path)
    mappings = [
        BackupRestoreServerMapping(backup_id=child.id, volume_id=child.resource_id)
        for child in backup.children
    ]
    restore(backup, BackupRestore(server_id=server_id, mappings=mappings, power_on=False))
    expect([digest(path) for path in paths] == before, "the disks are what they were")
    say(f"restored {before}")
    clean_up(vault, backup)


disk()
server()
logs = client.list_op_logs(ListOpLogsRequest(status="failed")).operation_logs
expect(logs == [], logs)
print("huaweicloudsdkcbr: all done", flush=True)
