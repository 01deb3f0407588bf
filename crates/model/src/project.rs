//! Projects, and what enterprises call by that name.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::description::Description;
use crate::field::FieldError;
use crate::id::{DomainId, ProjectId, ResourceId};
use crate::name::Name;

/// A project: the scope of vaults, backups and tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its id, in every path.
    pub id: ProjectId,
    /// Who owns it.
    pub domain_id: DomainId,
    /// The region's name, or the region's name, `_` and more; unique in its domain.
    pub name: Name,
    /// What its owner says about it.
    pub description: Description,
    /// Nobody gets a token for a project that is disabled.
    pub is_enabled: bool,
}

impl Project {
    /// The region that the project is in: clients take it from the name's part before `_`
    /// (related services, 1.8).
    pub fn region(&self) -> &str {
        let name = self.name.as_str();
        name.split_once('_').map_or(name, |(region, _)| region)
    }
}

/// The enterprise project of a vault: `0`, or an id of a service that we do not have (R26). It is
/// kept and shown, nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct EnterpriseProjectId(Option<ResourceId>);

impl EnterpriseProjectId {
    /// The one that everything is in unless somebody says otherwise.
    pub const DEFAULT: Self = Self(None);

    /// Reads `0` or a dashed UUID, as the field `enterprise_project_id`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        if text == "0" {
            return Ok(Self::DEFAULT);
        }
        let error = FieldError::new("enterprise_project_id", "0 or a lower-case UUID with dashes");
        text.parse().map(|id| Self(Some(id))).map_err(|_| error)
    }
}

impl fmt::Display for EnterpriseProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.pad("0"),
            Some(id) => id.fmt(f),
        }
    }
}

impl From<EnterpriseProjectId> for String {
    fn from(id: EnterpriseProjectId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for EnterpriseProjectId {
    type Error = FieldError;
    fn try_from(text: String) -> Result<Self, FieldError> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_is_the_name_up_to_the_first_underscore() {
        let check = |name: &str, region: &str| {
            let project = Project {
                id: ProjectId([1; 16]),
                domain_id: DomainId([2; 16]),
                name: Name::parse(name).unwrap(),
                description: Description::default(),
                is_enabled: true,
            };
            assert_eq!(project.region(), region);
        };
        check("eu-de", "eu-de");
        check("eu-de_ops", "eu-de");
        check("eu-de_ops_2", "eu-de");
    }

    #[test]
    fn enterprise_project_is_zero_or_an_id() {
        let check = |text: &str, ok: bool| {
            let parsed = EnterpriseProjectId::parse(text);
            assert_eq!(parsed.map(|id| id.to_string()).ok(), ok.then(|| text.to_owned()));
        };
        check("0", true);
        check("0daac4c5-6707-4851-97ba-169e36266b66", true);
        check("", false);
        check("1", false);
    }
}
