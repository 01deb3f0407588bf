//! Which of a server's disks are backed up.

use serde::{Deserialize, Serialize};

use crate::id::ResourceId;

/// A disk that is named to be backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncludedVolume {
    /// The disk.
    pub id: ResourceId,
    /// What the client says about its system; kept and shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
}

/// The disks to back up (contract, 3.4): all unless some are named, without those left out. It is
/// about ids, so it holds for disks that are attached later too (R37).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeSelection {
    /// Left out.
    #[serde(default)]
    pub exclude: Vec<ResourceId>,
    /// If any: only these.
    #[serde(default)]
    pub include: Vec<IncludedVolume>,
}

impl VolumeSelection {
    /// Whether `disk` is backed up.
    pub fn contains(&self, disk: ResourceId) -> bool {
        let is_named = self.include.is_empty() || self.include.iter().any(|one| one.id == disk);
        is_named && !self.exclude.contains(&disk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selection_takes_all_or_those_named_without_those_left_out() {
        let [one, two, three] = [1, 2, 3].map(|byte| ResourceId([byte; 16]));
        let check = |exclude: &[ResourceId], include: &[ResourceId], taken: &[ResourceId]| {
            let include = include.iter().map(|id| IncludedVolume { id: *id, os_version: None });
            let selection = VolumeSelection { exclude: exclude.into(), include: include.collect() };
            let all = [one, two, three];
            let contained: Vec<_> =
                all.into_iter().filter(|disk| selection.contains(*disk)).collect();
            assert_eq!(contained, taken);
            let text = serde_json::to_string(&selection).unwrap();
            assert_eq!(serde_json::from_str::<VolumeSelection>(&text).unwrap(), selection);
        };
        check(&[], &[], &[one, two, three]);
        check(&[two], &[], &[one, three]);
        check(&[], &[two], &[two]);
        check(&[one], &[one, two], &[two]);
        check(&[one, two, three], &[], &[]);
    }
}
