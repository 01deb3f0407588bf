//! The first start: an administrator, and the files with which clients log in.
//!
//! # Concurrency and crash
//! The rows are made in one transaction, by one of several first starts. One that dies before it
//! has said the password leaves an administrator whose password nobody knows: `strongroom user
//! reset-password` makes another one.

use anyhow::Result;
use strongroom_control::Service;
use strongroom_control::iam::Bootstrap;

use crate::config::Config;
use crate::failure::{Failure, Kind};
use crate::login_files::Login;

/// Makes what a new installation needs; nothing when it is there.
pub(super) async fn prepare(config: &Config, public_url: &str, service: &Service) -> Result<()> {
    let first = Bootstrap { domain: config.domain.clone(), admin: config.admin.clone() };
    let Some(admin) = service.bootstrap(&first).await? else {
        return check_key(config, service).await;
    };
    let login = Login {
        auth_url: format!("{public_url}/iam/v3"),
        region: config.region.clone(),
        domain: admin.domain,
        user: admin.user,
        password: admin.password,
        project: Some((admin.project, admin.project_id.to_string())),
        key: Some((admin.key.access.clone(), admin.key.secret.expose().to_owned().into())),
    };
    let [clouds, openrc] = login.create(&config.data_dir)?;
    eprintln!(
        "\nThis is the first start. Written down this once, in {} and {}:\n\n{}",
        clouds.display(),
        openrc.display(),
        *login.shown(),
    );
    Ok(())
}

/// Of two first starts the slower one may have made a master key of its own.
async fn check_key(config: &Config, service: &Service) -> Result<()> {
    if service.is_master_key_right().await? {
        return Ok(());
    }
    let message = format!(
        "the master key at {} is not the one that the catalogue is sealed with",
        config.key_file.display()
    );
    let hint = "every server of an installation needs the key that the first start made: copy it";
    Err(Failure::new(Kind::Key, message).hint(hint).into())
}
