//! What the surroundings of the process say about clouds.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Variables and folders, taken once, so that tests can say what they are.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
    folder: PathBuf,
}

impl Environment {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        Self { variables: std::env::vars().collect(), folder: PathBuf::from(".") }
    }

    /// One variable and nothing else.
    pub(crate) fn with(name: &str, value: &str) -> Self {
        let variables = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        Self { variables, folder: PathBuf::new() }
    }

    #[cfg(test)]
    pub(crate) fn of(variables: &[(&str, &str)], folder: PathBuf) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { variables: variables.iter().map(owned).collect(), folder }
    }

    /// A variable; empty ones count as unset.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Where files about clouds are looked for, the first one first: here, the user's, the
    /// system's. openstacksdk's order.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let home = self.variable("HOME").map(PathBuf::from);
        let config = self.variable("XDG_CONFIG_HOME").map(PathBuf::from);
        let config = config.or_else(|| home.as_ref().map(|home| home.join(".config")));
        let mut folders = vec![self.folder.clone()];
        folders.extend(config.map(|config| config.join("openstack")));
        folders.extend(home.map(|home| home.join(".config/openstack")));
        folders.push(PathBuf::from("/etc/openstack"));
        folders
    }
}
