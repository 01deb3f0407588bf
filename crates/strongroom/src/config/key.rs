//! The names of the configuration.

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) default: &'static str,
    /// Never shown.
    pub(crate) is_secret: bool,
}

const fn key(name: &'static str, default: &'static str) -> Key {
    Key { name, default, is_secret: false }
}

/// All names with their defaults. An empty default follows from the data directory, or is nothing.
pub(crate) const KEYS: &[Key] = &[
    key("data_dir", "/var/lib/strongroom"),
    key("database", ""),
    key("store", ""),
    Key { name: "store_access_key", default: "", is_secret: false },
    Key { name: "store_secret_key", default: "", is_secret: true },
    key("key_file", ""),
    key("listen", "127.0.0.1:8776"),
    key("public_url", ""),
    key("region", "region-1"),
    key("zone", "region-1a"),
    key("domain", "strongroom"),
    key("admin", "admin"),
    key("roots", ""),
    key("devices", ""),
    key("tls", "off"),
    key("tls_certificate", ""),
    key("tls_key", ""),
    key("workers", "2"),
    key("grave_delay", "24h"),
    key("collect_every", "1h"),
    key("verify_every", "7d"),
    key("log_format", "text"),
    key("log_level", "info"),
];
