//! `clouds.yaml`: found and read as openstacksdk does it.
//!
//! `secure.yaml` beside it, or anywhere on the way, may hold the same clouds with what should not
//! stand in a shared file; what it says counts more.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use saphyr::{LoadableYamlNode as _, Scalar, Yaml};

use super::environment::Environment;
use crate::failure::{Failure, Kind};

/// A part of such a file. Lists are of no use here and left out.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Node {
    Text(String),
    Map(BTreeMap<String, Node>),
}

/// The clouds of the files, by name.
#[derive(Default)]
pub(super) struct CloudsFile {
    clouds: BTreeMap<String, Node>,
    /// The file they stand in, for messages.
    pub(super) at: Option<PathBuf>,
}

impl CloudsFile {
    /// Reads the first `clouds.yaml` and the first `secure.yaml`. None at all is no mistake: the
    /// variables may say everything.
    pub(super) fn read(environment: &Environment) -> Result<Self> {
        let at = locate(environment, "OS_CLIENT_CONFIG_FILE", "clouds")?;
        let secure = locate(environment, "OS_CLIENT_SECURE_FILE", "secure")?;
        let mut clouds = at.as_deref().map(read_clouds).transpose()?.unwrap_or_default();
        if let Some(secure) = secure.as_deref() {
            for (name, more) in read_clouds(secure)? {
                match clouds.get_mut(&name) {
                    Some(cloud) => cloud.overlay(more),
                    None => drop(clouds.insert(name, more)),
                }
            }
        }
        Ok(Self { clouds, at })
    }

    /// The cloud with this name.
    pub(super) fn cloud(&self, name: &str) -> Option<&Node> {
        self.clouds.get(name)
    }

    /// The names of all clouds.
    pub(super) fn names(&self) -> Vec<&str> {
        self.clouds.keys().map(String::as_str).collect()
    }
}

impl Node {
    /// The value below `path`.
    pub(super) fn text(&self, path: &[&str]) -> Option<&str> {
        match (self, path) {
            (Self::Text(text), []) => Some(text),
            (Self::Map(map), [first, rest @ ..]) => map.get(*first)?.text(rest),
            _ => None,
        }
    }

    /// Lays `other` over this one.
    fn overlay(&mut self, other: Self) {
        match (self, other) {
            (Self::Map(mine), Self::Map(theirs)) => {
                for (key, value) in theirs {
                    match mine.get_mut(&key) {
                        Some(node) => node.overlay(value),
                        None => drop(mine.insert(key, value)),
                    }
                }
            }
            (mine, theirs) => *mine = theirs,
        }
    }

    fn of(yaml: &Yaml<'_>) -> Option<Self> {
        match yaml {
            Yaml::Value(scalar) => text_of(scalar).map(Self::Text),
            Yaml::Tagged(_, inner) => Self::of(inner),
            Yaml::Mapping(mapping) => {
                let mut own = BTreeMap::new();
                let mut merged = None;
                for (key, value) in mapping {
                    match (Self::of(key), Self::of(value)) {
                        (Some(Self::Text(key)), Some(value)) if key == "<<" => merged = Some(value),
                        (Some(Self::Text(key)), Some(value)) => drop(own.insert(key, value)),
                        _ => {}
                    }
                }
                // `<<: *defaults`: what stands in the mapping itself counts more.
                let own = Self::Map(own);
                Some(match merged {
                    Some(mut below) => {
                        below.overlay(own);
                        below
                    }
                    None => own,
                })
            }
            _ => None,
        }
    }
}

fn text_of(scalar: &Scalar<'_>) -> Option<String> {
    Some(match scalar {
        Scalar::String(text) => text.to_string(),
        Scalar::Integer(number) => number.to_string(),
        Scalar::FloatingPoint(number) => number.to_string(),
        Scalar::Boolean(truth) => truth.to_string(),
        Scalar::Null => return None,
    })
}

/// The file that the variable names, or the first of its name in the folders.
fn locate(environment: &Environment, variable: &str, name: &str) -> Result<Option<PathBuf>> {
    if let Some(path) = environment.variable(variable) {
        let path = PathBuf::from(path);
        if path.is_file() {
            return Ok(Some(path));
        }
        let message = format!("{variable} names {}, which is no file", path.display());
        return Err(Failure::new(Kind::Usage, message).into());
    }
    let folders = environment.folders().into_iter();
    let mut paths = folders.flat_map(|folder| {
        ["yaml", "yml", "json"].map(|extension| folder.join(format!("{name}.{extension}")))
    });
    Ok(paths.find(|path| path.is_file()))
}

fn read_clouds(path: &Path) -> Result<BTreeMap<String, Node>> {
    let at = path.display();
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => {
            anyhow::Error::from(Failure::usage(format!("{at} is no text")))
        }
        _ => anyhow::Error::from(error).context(format!("reading {at}")),
    })?;
    parse(&text).with_context(|| format!("reading {at}"))
}

fn parse(text: &str) -> Result<BTreeMap<String, Node>> {
    let documents = Yaml::load_from_str(text)
        .map_err(|error| Failure::usage(format!("it is not valid YAML: {error}")))?;
    let root = documents.first().and_then(Node::of);
    match root {
        Some(Node::Map(mut root)) => match root.remove("clouds") {
            Some(Node::Map(clouds)) => Ok(clouds),
            _ => Ok(BTreeMap::new()),
        },
        _ => Ok(BTreeMap::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_reads_scalars_as_text_and_merges() {
        let clouds = parse(
            "base: &base\n  region_name: r1\n  verify: false\n\
             clouds:\n  a:\n    <<: *base\n    region_name: r2\n    auth: {password: 12345}\n",
        );
        let clouds = clouds.expect("valid");
        let check = |path: &[&str], expected| assert_eq!(clouds["a"].text(path), expected);
        check(&["region_name"], Some("r2"));
        check(&["verify"], Some("false"));
        check(&["auth", "password"], Some("12345"));
        check(&["auth"], None);
        check(&["auth", "password", "more"], None);
    }

    #[test]
    fn parse_of_other_things_has_no_clouds_or_says_what_is_wrong() {
        for text in ["", "a", "- a", "clouds:", "clouds: [a]"] {
            assert!(parse(text).expect("valid").is_empty(), "{text:?}");
        }
        assert!(parse("clouds: {a: [}").is_err());
    }

    #[test]
    fn read_takes_the_first_file_and_lays_the_secure_one_over_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let home = dir.path().join("home/.config/openstack");
        fs::create_dir_all(&home).expect("a folder");
        let put = |path: PathBuf, text: &str| {
            let mut file = fs::File::create(path).expect("a file");
            io::Write::write_all(&mut file, text.as_bytes()).expect("written");
        };
        put(home.join("clouds.yaml"), "clouds: {a: {auth: {username: u, password: old}}}");
        put(home.join("secure.yaml"), "clouds: {a: {auth: {password: new}}, b: {profile: p}}");
        let home_variable = dir.path().join("home");
        let variables = [("HOME", home_variable.to_str().expect("a text"))];
        let environment = Environment::of(&variables, dir.path().to_owned());
        let file = CloudsFile::read(&environment).expect("readable");
        let cloud = file.cloud("a").expect("there");
        assert_eq!(cloud.text(&["auth", "username"]), Some("u"));
        assert_eq!(cloud.text(&["auth", "password"]), Some("new"));
        assert_eq!(file.names(), ["a", "b"]);

        put(dir.path().join("clouds.yml"), "clouds: {here: {}}");
        let file = CloudsFile::read(&environment).expect("readable");
        assert_eq!(file.at, Some(dir.path().join("clouds.yml")));

        let absent = [("OS_CLIENT_CONFIG_FILE", "/nowhere/clouds.yaml")];
        assert!(CloudsFile::read(&Environment::of(&absent, dir.path().to_owned())).is_err());
    }
}
