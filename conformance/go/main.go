// Drives a disk through its life with huaweicloud-sdk-go-v3, by access key: vault, backup, change,
// restore, comparison, deletion.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/basic"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/region"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/sdkerr"
	cbr "github.com/huaweicloud/huaweicloud-sdk-go-v3/services/cbr/v1"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/services/cbr/v1/model"
)

const patience = 2 * time.Minute

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "error: "+format+"\n", values...)
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func expect(isTrue bool, format string, values ...any) {
	if !isTrue {
		fail(format, values...)
	}
}

func run(program string, arguments ...string) {
	output, err := exec.Command(program, arguments...).CombinedOutput()
	expect(err == nil, "%s %v: %s", program, arguments, output)
}

func write(path, pattern, offset, length string) {
	run("qemu-io", "-f", "qcow2", "-c", fmt.Sprintf("write -q -P %s %s %s", pattern, offset, length), path)
}

// digest is the hash of what a guest reads from the disk.
func digest(path string) string {
	raw := path + ".raw"
	run("qemu-img", "convert", "-f", "qcow2", "-O", "raw", path, raw)
	content, err := os.ReadFile(raw)
	check(err)
	check(os.Remove(raw))
	return fmt.Sprintf("%x", sha256.Sum256(content))
}

func post(path string, body any, token string) (http.Header, []byte) {
	text, err := json.Marshal(body)
	check(err)
	request, err := http.NewRequest("POST", os.Getenv("STRONGROOM_URL")+path, bytes.NewReader(text))
	check(err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Auth-Token", token)
	answer, err := http.DefaultClient.Do(request)
	check(err)
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	check(err)
	expect(answer.StatusCode == 201, "%s: %d %s", path, answer.StatusCode, content)
	return answer.Header, content
}

type object = map[string]any

// adopt makes the disk known and gives its id.
func adopt(name, path, project string) string {
	user := object{
		"name":     os.Getenv("OS_USERNAME"),
		"password": os.Getenv("OS_PASSWORD"),
		"domain":   object{"name": os.Getenv("OS_USER_DOMAIN_NAME")},
	}
	identity := object{"methods": []string{"password"}, "password": object{"user": user}}
	scope := object{"project": object{"id": project}}
	header, _ := post("/iam/v3/auth/tokens", object{"auth": object{"identity": identity, "scope": scope}}, "")
	resource := object{"type": "disk", "name": name, "path": path}
	_, content := post("/strongroom/v1/"+project+"/resources", object{"resource": resource}, header.Get("X-Subject-Token"))
	var found struct {
		Resource struct {
			ID string `json:"id"`
		} `json:"resource"`
	}
	check(json.Unmarshal(content, &found))
	return found.Resource.ID
}

func waitFor(what string, look func() bool) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		if look() {
			return
		}
	}
	fail("waited in vain: %s", what)
}

// isAbsent tells whether an error is a 404 with this code.
func isAbsent(err error, code string) bool {
	if err == nil {
		return false
	}
	answer, ok := err.(*sdkerr.ServiceResponseError)
	expect(ok && answer.StatusCode == 404 && answer.ErrorCode == code, "%v", err)
	return true
}

func makeClient(project string) *cbr.CbrClient {
	credentials, err := basic.NewCredentialsBuilder().
		WithAk(os.Getenv("OS_ACCESS_KEY")).
		WithSk(os.Getenv("OS_SECRET_KEY")).
		WithProjectId(project).
		SafeBuild()
	check(err)
	place := region.NewRegion(os.Getenv("OS_REGION_NAME"), os.Getenv("STRONGROOM_URL"))
	builder, err := cbr.CbrClientBuilder().WithRegion(place).WithCredential(credentials).SafeBuild()
	check(err)
	return cbr.NewCbrClient(builder)
}

func makeVault(client *cbr.CbrClient, name, disk string) string {
	made, err := client.CreateVault(&model.CreateVaultRequest{Body: &model.VaultCreateReq{Vault: &model.VaultCreate{
		Name: name,
		Billing: &model.BillingCreate{
			ObjectType:      model.GetBillingCreateObjectTypeEnum().DISK,
			ProtectType:     model.GetBillingCreateProtectTypeEnum().BACKUP,
			ConsistentLevel: model.GetBillingCreateConsistentLevelEnum().CRASH_CONSISTENT,
			Size:            100,
		},
		Resources: []model.ResourceCreate{{Id: disk, Type: "OS::Cinder::Volume"}},
	}}})
	check(err)
	return made.Vault.Id
}

func protect(client *cbr.CbrClient, vault, name string) string {
	made, err := client.CreateCheckpoint(&model.CreateCheckpointRequest{Body: &model.VaultBackupReq{
		Checkpoint: &model.VaultBackup{VaultId: vault, Parameters: &model.CheckpointParam{Name: &name}},
	}})
	check(err)
	waitFor("the checkpoint", func() bool {
		found, err := client.ShowCheckpoint(&model.ShowCheckpointRequest{CheckpointId: made.Checkpoint.Id})
		check(err)
		return found.Checkpoint.Status.Value() == "available"
	})
	found, err := client.ListBackups(&model.ListBackupsRequest{VaultId: &vault})
	check(err)
	backups := *found.Backups
	expect(len(backups) == 1 && backups[0].Name == name, "%v", backups)
	return backups[0].Id
}

func restore(client *cbr.CbrClient, backup, disk string) {
	_, err := client.RestoreBackup(&model.RestoreBackupRequest{
		BackupId: backup,
		Body:     &model.BackupRestoreReq{Restore: &model.BackupRestore{VolumeId: &disk}},
	})
	check(err)
	waitFor("the restore", func() bool {
		found, err := client.ShowBackup(&model.ShowBackupRequest{BackupId: backup})
		check(err)
		return found.Backup.Status.Value() == "available"
	})
}

func cleanUp(client *cbr.CbrClient, vault, backup string) {
	_, err := client.DeleteBackup(&model.DeleteBackupRequest{BackupId: backup})
	check(err)
	waitFor("the backup's end", func() bool {
		_, err := client.ShowBackup(&model.ShowBackupRequest{BackupId: backup})
		return isAbsent(err, "BackupService.6200")
	})
	_, err = client.DeleteVault(&model.DeleteVaultRequest{VaultId: vault})
	check(err)
	waitFor("the vault's end", func() bool {
		_, err := client.ShowVault(&model.ShowVaultRequest{VaultId: vault})
		return isAbsent(err, "BackupService.6105")
	})
}

func main() {
	project := os.Getenv("OS_PROJECT_ID")
	path := filepath.Join(os.Getenv("STRONGROOM_DISKS"), "go-disk.qcow2")
	run("qemu-img", "create", "-q", "-f", "qcow2", path, "64M")
	write(path, "0x33", "0", "4M")
	write(path, "0x33", "40M", "1M")
	before := digest(path)
	disk := adopt("go-disk", path, project)
	fmt.Println("   disk go-disk is", disk)
	client := makeClient(project)
	vault := makeVault(client, "go-disks", disk)
	fmt.Println("   vault go-disks is", vault)
	backup := protect(client, vault, "go-disk-backup")
	fmt.Println("   backup go-disk-backup is", backup)
	write(path, "0xee", "2M", "40M")
	expect(digest(path) != before, "the disk is changed")
	restore(client, backup, disk)
	expect(digest(path) == before, "the disk is what it was")
	fmt.Println("   restored", before)
	cleanUp(client, vault, backup)
	fmt.Println("huaweicloud-sdk-go-v3: all done")
}
