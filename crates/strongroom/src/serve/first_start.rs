//! The first start: an administrator, and the files with which clients log in.
//!
//! # Concurrency and crash
//! The rows are made in one transaction; a start that dies before the files are written leaves an
//! administrator whose password nobody knows, which `--data-dir` of a first start can be thrown
//! away for.

use std::fmt::Write as _;

use anyhow::Result;
use strongroom_control::Service;
use strongroom_control::iam::{Bootstrap, FirstAdmin};

use crate::config::Config;
use crate::key_file;

/// Makes what a new installation needs; nothing when it is there.
pub(super) async fn prepare(config: &Config, public_url: &str, service: &Service) -> Result<()> {
    let first = Bootstrap { domain: config.domain.clone(), admin: config.admin.clone() };
    let Some(admin) = service.bootstrap(&first).await? else { return Ok(()) };
    let auth_url = format!("{public_url}/iam/v3");
    let clouds = config.data_dir.join("clouds.yaml");
    let openrc = config.data_dir.join("openrc");
    key_file::write_text(&clouds, &clouds_yaml(config, &auth_url, &admin))?;
    key_file::write_text(&openrc, &openrc_text(config, &auth_url, &admin))?;
    eprintln!(
        "\nThis is the first start. Written down this once, in {} and {}:\n\
         \n  user      {} (domain {})\n  password  {}\n  project   {} ({})\n  \
         access    {}\n  secret    {}\n",
        clouds.display(),
        openrc.display(),
        admin.user,
        admin.domain,
        *admin.password,
        admin.project,
        admin.project_id,
        admin.key.access,
        admin.key.secret.expose(),
    );
    Ok(())
}

fn clouds_yaml(config: &Config, auth_url: &str, admin: &FirstAdmin) -> String {
    let FirstAdmin { domain, project, user, password, key, .. } = admin;
    let (region, secret) = (&config.region, key.secret.expose());
    format!(
        "clouds:\n  strongroom:\n    region_name: {region}\n    identity_api_version: 3\n    \
         interface: public\n    auth:\n      auth_url: {auth_url}\n      username: {user}\n      \
         password: {password}\n      project_name: {project}\n      user_domain_name: {domain}\n      \
         project_domain_name: {domain}\n    ak: {access}\n    sk: {secret}\n",
        password = **password,
        access = key.access,
    )
}

fn openrc_text(config: &Config, auth_url: &str, admin: &FirstAdmin) -> String {
    let FirstAdmin { domain, project, project_id, user, password, key } = admin;
    let project_id = project_id.to_string();
    let variables = [
        ("OS_AUTH_URL", auth_url),
        ("OS_IDENTITY_API_VERSION", "3"),
        ("OS_USERNAME", user),
        ("OS_PASSWORD", password.as_str()),
        ("OS_USER_DOMAIN_NAME", domain),
        ("OS_PROJECT_NAME", project),
        ("OS_PROJECT_ID", &project_id),
        ("OS_PROJECT_DOMAIN_NAME", domain),
        ("OS_DOMAIN_NAME", domain),
        ("OS_REGION_NAME", &config.region),
        ("OS_INTERFACE", "public"),
        ("OS_ACCESS_KEY", &key.access),
        ("OS_SECRET_KEY", key.secret.expose()),
    ];
    variables.iter().fold(String::new(), |mut text, (name, value)| {
        writeln!(text, "export {name}='{value}'").expect("writing to a String cannot fail");
        text
    })
}
