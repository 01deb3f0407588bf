//! The certificate that the server shows.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use strongroom_api::{TlsConfig, TlsError};

use crate::config::{Config, Tls};
use crate::failure::Failure;
use crate::key_file;

/// Loads the configured certificate; one of our own is made at the first start and kept.
pub(super) fn load(config: &Config, tls: &Tls, public_url: &str) -> Result<TlsConfig> {
    let (certificate, key) = match tls {
        Tls::Given { certificate, key } => (certificate.clone(), key.clone()),
        _ => own(&config.data_dir.join("tls"), config, public_url)?,
    };
    let read = |path: &Path| {
        let wrong = |error| Failure::usage(format!("reading {}: {error}", path.display()));
        fs::read(path).map_err(wrong)
    };
    let parsed = TlsConfig::parse(&read(&certificate)?, &read(&key)?);
    let (certificate, key) = (certificate.display(), key.display());
    Ok(parsed.map_err(|error| {
        Failure::usage(match error {
            TlsError::NoCertificate => format!("{certificate} holds no certificate in PEM form"),
            TlsError::NoKey => format!("{key} holds no private key in PEM form"),
            _ => format!("{certificate} with the key {key}: {error}"),
        })
    })?)
}

fn own(folder: &Path, config: &Config, public_url: &str) -> Result<(PathBuf, PathBuf)> {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    if certificate.exists() && key.exists() {
        return Ok((certificate, key));
    }
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let host = public_url.split("://").nth(1).unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host).trim_matches(['[', ']']);
    let mut names = vec!["localhost".to_owned(), config.listen.ip().to_string()];
    if !names.iter().any(|name| name == host) {
        names.push(host.to_owned());
    }
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(names).context("making a certificate")?;
    // The key last: both files are there or both are made again.
    for path in [&certificate, &key] {
        if path.exists() {
            fs::remove_file(path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    key_file::write_text(&certificate, &cert.pem())?;
    key_file::write_text(&key, &signing_key.serialize_pem())?;
    tracing::warn!(path = %certificate.display(), "a certificate was made: give it to clients");
    Ok((certificate, key))
}
