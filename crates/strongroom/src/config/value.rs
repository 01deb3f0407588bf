//! Values and where they come from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result};

use super::key::KEYS;
use super::wrong;
use crate::failure::Failure;

/// What variables of the environment begin with.
const PREFIX: &str = "STRONGROOM_";
/// Variables of the program that are no configuration of the server.
const OTHERS: [&str; 4] =
    ["STRONGROOM_KEY", "STRONGROOM_REPO", "STRONGROOM_CONFIG", "STRONGROOM_TEST"];

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(PathBuf),
    Variable(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Flag(name) => write!(f, "{name}"),
        }
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

/// All values. Lists are joined by commas.
#[derive(Debug, Clone)]
pub(crate) struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// The defaults.
    pub(crate) fn defaults() -> Self {
        let value = |text: &str| Value { text: text.to_owned(), origin: Origin::Default };
        Self(KEYS.iter().map(|key| (key.name, value(key.default))).collect())
    }

    /// What the file at `path` says instead.
    pub(crate) fn read_file(&mut self, path: &Path) -> Result<()> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("reading the configuration {}", path.display()))?;
        let table: toml::Table = text
            .parse()
            .with_context(|| format!("reading the configuration {}", path.display()))?;
        for (name, value) in table {
            let text = text_of(&name, value)?;
            self.set(&name, text, Origin::File(path.to_owned()))?;
        }
        Ok(())
    }

    /// What the environment says instead.
    pub(crate) fn read_variables(
        &mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<()> {
        for (variable, text) in variables {
            let Some(name) = variable.strip_prefix(PREFIX) else { continue };
            if OTHERS.iter().any(|other| variable.starts_with(other)) || text.is_empty() {
                continue;
            }
            self.set(&name.to_lowercase(), text, Origin::Variable(variable.clone()))?;
        }
        Ok(())
    }

    /// What a flag says instead.
    pub(crate) fn set(&mut self, name: &str, text: String, origin: Origin) -> Result<()> {
        let known = KEYS.iter().find(|key| key.name == name);
        let known = known.ok_or_else(|| {
            let names: Vec<_> = KEYS.iter().map(|key| key.name).collect();
            Failure::usage(format!("{origin} sets {name:?}, which is no setting"))
                .hint(format!("the settings are: {}", names.join(", ")))
        })?;
        self.0.insert(known.name, Value { text, origin });
        Ok(())
    }

    /// A value as text.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.text.as_str())
    }

    /// A list.
    pub(crate) fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.text(name).split(',').map(str::trim).filter(|part| !part.is_empty())
    }

    /// A value of another type.
    pub(crate) fn parsed<T: FromStr>(&self, name: &'static str, allowed: &str) -> Result<T> {
        let text = self.text(name);
        text.parse().map_err(|_| wrong(name, text, allowed))
    }

    /// All of them by name, secrets masked.
    pub(crate) fn shown(&self) -> impl Iterator<Item = (&'static str, Value)> {
        KEYS.iter().filter_map(|key| {
            let mut value = self.0.get(key.name)?.clone();
            if key.is_secret && !value.text.is_empty() {
                "***".clone_into(&mut value.text);
            }
            Some((key.name, value))
        })
    }
}

fn text_of(name: &str, value: toml::Value) -> Result<String> {
    match value {
        toml::Value::String(text) => Ok(text),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Boolean(is) => Ok(is.to_string()),
        toml::Value::Array(parts) => {
            let parts: Result<Vec<_>> = parts.into_iter().map(|part| text_of(name, part)).collect();
            Ok(parts?.join(","))
        }
        other => Err(wrong(name, other.type_str(), "a text, a number or a list of texts")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(values: &Values, name: &str) -> (String, String) {
        let (_, value) = values.shown().find(|(known, _)| *known == name).unwrap();
        (value.text, value.origin.to_string())
    }

    #[test]
    fn later_places_win_and_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("strongroom.toml");
        let text = "region = \"lab\"\nworkers = 4\nroots = [\"/a\", \"/b\"]\n";
        crate::key_file::write_text(&path, text).unwrap();
        let mut values = Values::defaults();
        values.read_file(&path).unwrap();
        let variable = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        values
            .read_variables([
                variable("STRONGROOM_WORKERS", "8"),
                variable("STRONGROOM_STORE_SECRET_KEY", "hidden"),
                variable("STRONGROOM_KEY", "no setting"),
                variable("PATH", "/bin"),
            ])
            .unwrap();
        values.set("region", "here".to_owned(), Origin::Flag("--region".to_owned())).unwrap();
        assert_eq!(shown(&values, "region"), ("here".to_owned(), "--region".to_owned()));
        assert_eq!(shown(&values, "workers").1, "$STRONGROOM_WORKERS");
        assert_eq!(shown(&values, "roots"), ("/a,/b".to_owned(), path.display().to_string()));
        assert_eq!(shown(&values, "listen").1, "default");
        assert_eq!(shown(&values, "store_secret_key").0, "***");
        assert_eq!(values.list("roots").collect::<Vec<_>>(), ["/a", "/b"]);
    }

    #[test]
    fn unknown_names_are_errors() {
        let mut values = Values::defaults();
        let variable = ("STRONGROOM_REGOIN".to_owned(), "x".to_owned());
        let error = values.read_variables([variable]).unwrap_err();
        assert!(error.to_string().contains("regoin"), "{error}");
        assert!(values.set("workerz", "1".to_owned(), Origin::Default).is_err());
    }
}
