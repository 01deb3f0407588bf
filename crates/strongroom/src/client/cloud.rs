//! Which service, as whom: one cloud of `clouds.yaml`, or the variables `OS_*`.

use std::path::PathBuf;

use anyhow::Result;
use reqwest::Url;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::clouds_file::{CloudsFile, Node};
use super::environment::Environment;
use crate::failure::Failure;
use crate::json_object::object;

const HOW: &str = "name a cloud of clouds.yaml with --cloud or OS_CLOUD, or set OS_AUTH_URL, \
                   OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME and OS_USER_DOMAIN_NAME";

/// Whose certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trust {
    /// Those the system trusts.
    System,
    /// Those in this file only.
    Authority(PathBuf),
    /// All of them.
    Anyone,
}

/// Something that requests name by id or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Named {
    Id(String),
    Name(String),
}

impl Named {
    /// By its name only together with its domain.
    fn json(&self, domain: Option<&Self>, password: Option<&str>) -> Value {
        let password = password.map(Value::from);
        match self {
            Self::Id(id) => object([("id", Some(json!(id))), ("password", password)]),
            Self::Name(name) => object([
                ("name", Some(json!(name))),
                ("domain", domain.map(|domain| domain.json(None, None))),
                ("password", password),
            ]),
        }
    }
}

/// Where to sign in, and as whom. Has no `Debug`: it holds a password.
pub(crate) struct Cloud {
    /// Ends in `/v3`.
    pub(super) auth_url: Url,
    pub(super) region: Option<String>,
    pub(super) trust: Trust,
    user: Named,
    user_domain: Option<Named>,
    password: Zeroizing<String>,
    project: Named,
    project_domain: Option<Named>,
}

/// Where settings come from: a cloud of the file, or the variables.
enum Settings<'a> {
    File(&'a Node),
    Variables(&'a Environment),
}

impl Cloud {
    /// The cloud with this name; without one the variables, or else the only cloud of the file, as
    /// openstacksdk chooses.
    pub(crate) fn choose(
        name: Option<&str>,
        region: Option<&str>,
        environment: &Environment,
    ) -> Result<Self> {
        let file = CloudsFile::read(environment)?;
        let settings = match (name, file.names().as_slice()) {
            (Some(name), names) => {
                let cloud = file.cloud(name).ok_or_else(|| unknown(name, names, &file))?;
                Settings::File(cloud)
            }
            (None, _) if environment.variable("OS_AUTH_URL").is_some() => {
                Settings::Variables(environment)
            }
            (None, [only]) => {
                Settings::File(file.cloud(only).ok_or_else(|| unknown(only, &[], &file))?)
            }
            (None, []) => return Err(Failure::usage("no cloud was given").hint(HOW).into()),
            (None, names) => {
                let hint = format!("choose with --cloud: {}", names.join(", "));
                return Err(Failure::usage("clouds.yaml has several clouds").hint(hint).into());
            }
        };
        settings.cloud(region)
    }

    /// The body that asks for a token within the project (related-services, 2.2).
    pub(super) fn token_request(&self) -> Value {
        let user = self.user.json(self.user_domain.as_ref(), Some(&self.password));
        let project = self.project.json(self.project_domain.as_ref(), None);
        json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": project},
        }})
    }
}

fn unknown(name: &str, names: &[&str], file: &CloudsFile) -> Failure {
    let place = file.at.as_ref().map_or_else(
        || "there is no clouds.yaml".to_owned(),
        |at| format!("{} has: {}", at.display(), names.join(", ")),
    );
    Failure::usage(format!("there is no cloud {name:?}")).hint(place)
}

impl Settings<'_> {
    /// A setting. Those about signing in stand under `auth`, or beside it.
    fn get(&self, key: &str) -> Option<&str> {
        match self {
            Self::File(cloud) => cloud.text(&["auth", key]).or_else(|| cloud.text(&[key])),
            Self::Variables(environment) => {
                environment.variable(&format!("OS_{}", key.to_ascii_uppercase()))
            }
        }
        .filter(|value| !value.is_empty())
    }

    fn require(&self, key: &str) -> Result<&str> {
        self.get(key).ok_or_else(|| self.missing(key))
    }

    fn missing(&self, key: &str) -> anyhow::Error {
        let hint = match self {
            Self::File(_) => format!("write `auth: {{{key}: ..}}` for the cloud in clouds.yaml"),
            Self::Variables(_) => format!("set OS_{}", key.to_ascii_uppercase()),
        };
        Failure::usage(format!("the cloud's {key} is not known")).hint(hint).into()
    }

    /// What `stem` names: `stem_id` or one of `names`.
    fn named(&self, id: &str, names: &[&str]) -> Option<Named> {
        let by_id = self.get(id).map(|id| Named::Id(id.to_owned()));
        let by_name = || names.iter().find_map(|name| self.get(name));
        by_id.or_else(|| by_name().map(|name| Named::Name(name.to_owned())))
    }

    fn domain(&self, whose: &str) -> Option<Named> {
        self.named(&format!("{whose}_domain_id"), &[&format!("{whose}_domain_name")])
            .or_else(|| self.named("domain_id", &["domain_name"]))
            .or_else(|| self.named("default_domain_id", &[]))
            .or_else(|| self.named("default_domain", &[]))
    }

    fn cloud(&self, region: Option<&str>) -> Result<Cloud> {
        if let Some(kind) = self.get("auth_type")
            && !matches!(kind, "password" | "v3password")
        {
            return Err(Failure::usage(format!("auth_type {kind:?} is not supported"))
                .hint("sign in with a user's name and password")
                .into());
        }
        let user = self.named("user_id", &["username", "user_name"]);
        let project = self.named("project_id", &["project_name", "tenant_name"]);
        let (of_user, of_project) = (self.domain("user"), self.domain("project"));
        let cloud = Cloud {
            auth_url: auth_url(self.require("auth_url")?)?,
            region: region.or_else(|| self.get("region_name")).map(str::to_owned),
            trust: self.trust(),
            user: user.ok_or_else(|| self.missing("username"))?,
            password: Zeroizing::new(self.require("password")?.to_owned()),
            project: project.ok_or_else(|| self.missing("project_name"))?,
            user_domain: of_user.clone().or_else(|| of_project.clone()),
            project_domain: of_project.or(of_user),
        };
        if matches!(cloud.user, Named::Name(_)) && cloud.user_domain.is_none() {
            return Err(self.missing("user_domain_name"));
        }
        Ok(cloud)
    }

    fn trust(&self) -> Trust {
        let is = |key: &str, words: &[&str]| {
            let value = self.get(key).map(str::to_ascii_lowercase);
            value.is_some_and(|value| words.contains(&value.as_str()))
        };
        if is("verify", &["false", "no", "off", "0"]) || is("insecure", &["true", "yes", "on", "1"])
        {
            return Trust::Anyone;
        }
        self.get("cacert").map_or(Trust::System, |path| Trust::Authority(PathBuf::from(path)))
    }
}

/// Of Keystone's addresses only those of version 3 are of use.
fn auth_url(text: &str) -> Result<Url> {
    let trimmed = text.trim_end_matches('/');
    let whole = if trimmed.ends_with("/v3") { trimmed.to_owned() } else { format!("{trimmed}/v3") };
    let url = Url::parse(&whole).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    Ok(url.ok_or_else(|| {
        Failure::usage(format!("auth_url {text:?} is no address")).hint("write https://host/iam/v3")
    })?)
}

#[cfg(test)]
mod tests;
