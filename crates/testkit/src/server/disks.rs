//! Real images, made known through the API.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{Server, stack};
use crate::exchange::Ask;

impl Server {
    /// Makes a qcow2 image of so many GiB below the root, with some data at its begin.
    pub fn make_image(&self, name: &str, size_gib: u64) -> Result<PathBuf> {
        let path = self.folder.path().join(stack::ROOT).join(format!("{name}.qcow2"));
        run("qemu-img", &["create", "-q", "-f", "qcow2"], &path, &[&format!("{size_gib}G")])?;
        run("qemu-io", &["-f", "qcow2", "-c", "write -q -P 0x5a 0 1M"], &path, &[])?;
        Ok(path)
    }

    /// Makes an image and makes it known to the administrator's project; the answer is the resource.
    pub fn adopt_disk(&self, name: &str, size_gib: u64) -> Result<Value> {
        let path = self.make_image(name, size_gib)?;
        self.adopt(&json!({"type": "disk", "name": name, "path": path}))
    }

    /// Makes a server of images with these names and sizes, the first of which it boots from.
    pub fn adopt_server(&self, name: &str, images: &[(String, u64)]) -> Result<Value> {
        let mut disks = Vec::new();
        for (number, (disk, size)) in images.iter().enumerate() {
            let path = self.make_image(&format!("{name}-{number}"), *size)?;
            disks.push(json!({"name": disk, "path": path}));
        }
        self.adopt(&json!({"type": "server", "name": name, "disks": disks}))
    }

    fn adopt(&self, resource: &Value) -> Result<Value> {
        let project = self.admin.project_id;
        let token = self.token(&self.admin.user, &project.to_string())?;
        let ask = Ask::new("POST", &format!("/strongroom/v1/{project}/resources"));
        let answer = self.ask(&ask.token(&token).json(&json!({"resource": resource})))?;
        ensure!(answer.status == 201, "adopting: {} {}", answer.status, answer.text());
        Ok(answer.json()["resource"].take())
    }
}

#[expect(clippy::disallowed_methods, reason = "a test makes the images that it needs")]
fn run(program: &str, before: &[&str], path: &Path, after: &[&str]) -> Result<()> {
    let output = Command::new(program).args(before).arg(path).args(after).output();
    let output = output.with_context(|| format!("starting {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program}: {said}");
    Ok(())
}
