//! Tokens, issued by the service for the users of the bench.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::operation::Request;
use super::scale::{PROJECTS, Scale, hex};

/// Tokens by the number of their project.
pub(super) struct Tokens(BTreeMap<u64, Vec<String>>);

impl Tokens {
    /// Reads what `load.lua` wrote. The large project has as many as all others together.
    pub(super) fn read(file: &Path, scale: &Scale) -> Result<Self> {
        let text =
            fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let numbers: BTreeMap<String, u64> =
            (0..PROJECTS).map(|project| (hex("p", project), project)).collect();
        let mut tokens = BTreeMap::<u64, Vec<String>>::new();
        for (project, token) in text.lines().filter_map(|line| line.split_once(' ')) {
            let number = numbers.get(project).context("a token is of no project of the bench")?;
            tokens.entry(*number).or_default().push(token.to_owned());
        }
        for (project, of_project) in &mut tokens {
            let all = u64::try_from(scale.tokens).unwrap_or(u64::MAX);
            let wanted = if *project == 0 { all } else { all / PROJECTS };
            let wanted = usize::try_from(wanted)?;
            ensure!(of_project.len() >= wanted, "project {project} has too few tokens");
            of_project.truncate(wanted);
        }
        ensure!(tokens.len() as u64 == PROJECTS, "there are projects without tokens");
        Ok(Self(tokens))
    }

    /// One of a project, another one each turn.
    pub(super) fn of(&self, project: u64, turn: u64) -> &str {
        let of_project = self.0.get(&project).map_or(&[][..], Vec::as_slice);
        // Requests go round the projects: the turn of this one among its own.
        let own = if project == 0 { turn } else { turn / PROJECTS };
        let place = usize::try_from(own).unwrap_or(0).checked_rem(of_project.len()).unwrap_or(0);
        of_project.get(place).map_or("", String::as_str)
    }

    /// How many distinct ones there are.
    pub(super) fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

/// Logins of all users in turn: every second one is for the large project.
pub(super) fn logins(password: &str) -> Vec<Request> {
    let login = |project: u64| Request {
        method: "POST",
        path: "/v3/auth/tokens".to_owned(),
        token: String::new(),
        body: format!(
            r#"{{"auth":{{"identity":{{"methods":["password"],"password":{{"user":{{"name":"bench-{project}","password":"{password}","domain":{{"name":"strongroom"}}}}}}}},"scope":{{"project":{{"id":"{}"}}}}}}}}"#,
            hex("p", project)
        ),
    };
    (1..PROJECTS).flat_map(|project| [0, project]).map(login).collect()
}

/// The password of all users: that of the administrator, which the first start wrote down.
pub(super) fn password(service: &Path) -> Result<String> {
    let path = service.join("clouds.yaml");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let line = text.lines().find_map(|line| line.trim().strip_prefix("password: "));
    Ok(line.with_context(|| format!("{} has no password", path.display()))?.to_owned())
}
