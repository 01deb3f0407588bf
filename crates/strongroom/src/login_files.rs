//! `clouds.yaml` and `openrc` in the data directory: how clients log in.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use zeroize::Zeroizing;

use crate::key_file;

const CLOUDS: &str = "clouds.yaml";
const OPENRC: &str = "openrc";

/// What a user logs in with.
pub(crate) struct Login {
    pub(crate) auth_url: String,
    pub(crate) region: String,
    pub(crate) domain: String,
    pub(crate) user: String,
    pub(crate) password: Zeroizing<String>,
    /// Name and id.
    pub(crate) project: Option<(String, String)>,
    /// An access key and its secret, where they are known.
    pub(crate) key: Option<(String, Zeroizing<String>)>,
}

impl Login {
    /// Writes both files; neither may be there.
    pub(crate) fn create(&self, data_dir: &Path) -> Result<[PathBuf; 2]> {
        self.write(data_dir, key_file::write_text)
    }

    /// Writes both files, in the place of those that are there.
    pub(crate) fn replace(&self, data_dir: &Path) -> Result<[PathBuf; 2]> {
        self.write(data_dir, key_file::replace_text)
    }

    fn write(
        &self,
        data_dir: &Path,
        write: impl Fn(&Path, &str) -> Result<()>,
    ) -> Result<[PathBuf; 2]> {
        let [clouds, openrc] = [CLOUDS, OPENRC].map(|name| data_dir.join(name));
        write(&clouds, &self.clouds_yaml())?;
        write(&openrc, &self.openrc())?;
        Ok([clouds, openrc])
    }

    /// For a person, who sees it this once.
    pub(crate) fn shown(&self) -> Zeroizing<String> {
        let mut lines = vec![
            ("user", format!("{} (domain {})", self.user, self.domain)),
            ("password", self.password.to_string()),
        ];
        if let Some((name, id)) = &self.project {
            lines.push(("project", format!("{name} ({id})")));
        }
        if let Some((access, secret)) = &self.key {
            lines.extend([("access", access.clone()), ("secret", secret.to_string())]);
        }
        let mut text = Zeroizing::new(String::new());
        for (name, value) in lines {
            line(&mut text, format_args!("  {name:<9} {value}"));
        }
        text
    }

    fn clouds_yaml(&self) -> Zeroizing<String> {
        let Self { auth_url, region, domain, user, password, project, key } = self;
        let mut text = Zeroizing::new(format!(
            "clouds:\n  strongroom:\n    region_name: {region}\n    identity_api_version: 3\n    \
             interface: public\n    auth:\n      auth_url: {auth_url}\n      username: {user}\n      \
             password: {password}\n      user_domain_name: {domain}\n      \
             project_domain_name: {domain}\n",
            password = **password,
        ));
        if let Some((name, _)) = project {
            line(&mut text, format_args!("      project_name: {name}"));
        }
        if let Some((access, secret)) = key {
            line(&mut text, format_args!("    ak: {access}\n    sk: {}", **secret));
        }
        text
    }

    fn openrc(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        let mut set = |name: &str, value: &str| {
            line(&mut text, format_args!("export {name}='{value}'"));
        };
        set("OS_AUTH_URL", &self.auth_url);
        set("OS_IDENTITY_API_VERSION", "3");
        set("OS_USERNAME", &self.user);
        set("OS_PASSWORD", &self.password);
        set("OS_USER_DOMAIN_NAME", &self.domain);
        if let Some((name, id)) = &self.project {
            set("OS_PROJECT_NAME", name);
            set("OS_PROJECT_ID", id);
            set("OS_PROJECT_DOMAIN_NAME", &self.domain);
        }
        set("OS_DOMAIN_NAME", &self.domain);
        set("OS_REGION_NAME", &self.region);
        set("OS_INTERFACE", "public");
        if let Some((access, secret)) = &self.key {
            set("OS_ACCESS_KEY", access);
            set("OS_SECRET_KEY", secret);
        }
        text
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a String cannot fail");
}

/// What the `openrc` of a data directory says; none without one.
pub(crate) struct Openrc(Zeroizing<String>);

impl Openrc {
    pub(crate) fn read(data_dir: &Path) -> Option<Self> {
        fs::read_to_string(data_dir.join(OPENRC)).ok().map(|text| Self(Zeroizing::new(text)))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| {
            let (known, value) = line.strip_prefix("export ")?.split_once('=')?;
            (known == name).then(|| value.trim_matches('\''))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openrc_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Openrc::read(folder.path()).is_none());
        let mut login = Login {
            auth_url: "http://127.0.0.1:1/iam/v3".to_owned(),
            region: "r".to_owned(),
            domain: "d".to_owned(),
            user: "u".to_owned(),
            password: Zeroizing::new("first".to_owned()),
            project: None,
            key: Some(("AK".to_owned(), Zeroizing::new("SK".to_owned()))),
        };
        login.create(folder.path()).unwrap();
        assert!(login.create(folder.path()).is_err(), "a secret is never lost by accident");
        login.password = Zeroizing::new("second".to_owned());
        login.replace(folder.path()).unwrap();
        let openrc = Openrc::read(folder.path()).unwrap();
        let found = |name: &str| openrc.get(name).map(str::to_owned);
        assert_eq!(found("OS_PASSWORD").as_deref(), Some("second"));
        assert_eq!(found("OS_SECRET_KEY").as_deref(), Some("SK"));
        assert_eq!(found("OS_PROJECT_ID"), None);
    }
}
