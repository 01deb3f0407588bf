//! `cargo xtask conformance`: the clients that people have drive the real binary.
//!
//! # Why
//! Recorded traffic shows what clients sent on one day; here they decide themselves what they make
//! of our answers. Each flow protects disks, destroys them, restores them and compares every byte.
//! The clients are what their users install, in the versions of `conformance/requirements.txt` and
//! `conformance/go/go.mod`.
//!
//! # Concurrency and crash
//! One server in a temporary folder of the target folder, made anew each time; it is ended with the
//! run, whatever happens.

mod beside;
mod clients;
mod server;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

pub(crate) use self::beside::Beside;
use self::clients::Clients;
use self::server::Server;
use crate::checkout::Checkout;
use crate::process;
use crate::step::step;
use crate::toolbox::Toolbox;

/// Builds the server and runs all flows against it.
pub(crate) fn build_and_run(checkout: &Checkout) -> Result<()> {
    let program = step("build", || build(checkout))?;
    run(checkout, &program)
}

/// Runs all flows against `program`; the first that fails ends the run.
pub(crate) fn run(checkout: &Checkout, program: &Path) -> Result<()> {
    let clients = step("clients", || Clients::install(checkout, &Toolbox::open()?))?;
    let work = checkout.target_folder().join("conformance");
    if work.exists() {
        std::fs::remove_dir_all(&work).context("clearing what the last run left")?;
    }
    let mut server = step("server", || Server::start(program, &work))?;
    for flow in ["openstack_cli.py", "huawei_sdk.py"] {
        step(flow, || process::run(server.tell(&mut clients.python(flow))?))?;
    }
    step("go", || process::run(server.tell(&mut clients.go())?))?;
    step("schemas.py", || {
        let mut command = clients.python("schemas.py");
        command.arg(checkout.root().join("openapi")).arg(&work);
        process::run(server.tell(&mut command)?)
    })?;
    let recover = |part: &str| {
        let mut command = clients.python("openstack_recover.py");
        command.arg(part);
        command
    };
    step("openstack_recover.py before", || process::run(server.tell(&mut recover("before"))?))?;
    step("recover", || server.lose_and_recover())?;
    step("openstack_recover.py after", || process::run(server.tell(&mut recover("after"))?))?;
    step("stop", || server.stop())?;
    std::fs::remove_dir_all(&work).context("clearing the working folder")
}

/// The program as the tests have it: with the same features, so that nothing is compiled for it.
fn build(checkout: &Checkout) -> Result<PathBuf> {
    let build = ["build", "--locked", "--workspace", "--all-features", "--bin", "strongroom"];
    process::run(process::cargo(checkout.root()).args(build))?;
    Ok(checkout.target_folder().join("debug/strongroom"))
}
