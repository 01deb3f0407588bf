//! The flags of the configuration.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::value::{Origin, Values};

/// Flags for settings. Each can be written into the file, or into a variable, as well.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ConfigOptions {
    /// The configuration file [default: strongroom.toml in the data directory, if there is one]
    #[arg(long, env = "STRONGROOM_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the server keeps what is its own
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// The database.
    #[arg(help = "The database: sqlite:///path or postgres://user@host/name")]
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The object store.
    #[arg(help = "The object store: fs:///path, s3://bucket/prefix?endpoint=URL or \
                obs://bucket?region=NAME")]
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// The master key; made at the first start if it is missing
    #[arg(long, value_name = "FILE")]
    key_file: Option<String>,
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// The address that clients are given
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// The region's name, which is that of the first project too
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// A folder below which disks may be adopted; new ones are made in the first
    #[arg(long = "root", value_name = "DIR")]
    roots: Vec<String>,
    /// A block device, or a folder of them, that may be adopted
    #[arg(long = "device", value_name = "PATH")]
    devices: Vec<String>,
    /// off (on this machine only), own (a certificate is made) or given
    #[arg(long, value_name = "HOW")]
    tls: Option<String>,
    /// How many tasks run at once
    #[arg(long, value_name = "NUMBER")]
    workers: Option<String>,
    /// How long the data of deleted backups stays
    #[arg(long, value_name = "TIME")]
    grave_delay: Option<String>,
    /// How often the space of deleted backups is given back
    #[arg(long, value_name = "TIME")]
    collect_every: Option<String>,
    /// How often repositories are read back
    #[arg(long, value_name = "TIME")]
    verify_every: Option<String>,
    /// text or json
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl ConfigOptions {
    /// All values, the flags before everything else.
    pub(crate) fn values(&self) -> Result<Values> {
        // Where the file is may itself be said by a flag or a variable.
        let mut above = Values::defaults();
        above.read_variables(std::env::vars())?;
        self.apply(&mut above)?;
        let mut values = Values::defaults();
        let beside = PathBuf::from(above.text("data_dir")).join("strongroom.toml");
        match &self.config {
            Some(path) => values.read_file(path)?,
            None if beside.is_file() => values.read_file(&beside)?,
            None => {}
        }
        values.read_variables(std::env::vars())?;
        self.apply(&mut values)?;
        Ok(values)
    }

    fn apply(&self, values: &mut Values) -> Result<()> {
        let single = [
            ("data_dir", "--data-dir", &self.data_dir),
            ("database", "--database", &self.database),
            ("store", "--store", &self.store),
            ("key_file", "--key-file", &self.key_file),
            ("listen", "--listen", &self.listen),
            ("public_url", "--public-url", &self.public_url),
            ("region", "--region", &self.region),
            ("tls", "--tls", &self.tls),
            ("workers", "--workers", &self.workers),
            ("grave_delay", "--grave-delay", &self.grave_delay),
            ("collect_every", "--collect-every", &self.collect_every),
            ("verify_every", "--verify-every", &self.verify_every),
            ("log_format", "--log-format", &self.log_format),
            ("log_level", "--log-level", &self.log_level),
        ];
        for (name, flag, value) in single {
            if let Some(text) = value {
                values.set(name, text.clone(), Origin::Flag(flag.to_owned()))?;
            }
        }
        for (name, flag, list) in
            [("roots", "--root", &self.roots), ("devices", "--device", &self.devices)]
        {
            if !list.is_empty() {
                values.set(name, list.join(","), Origin::Flag(flag.to_owned()))?;
            }
        }
        Ok(())
    }
}
