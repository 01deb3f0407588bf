//! The names of all objects of a repository: the one place that builds and reads them.
//!
//! # Invariants
//! - No key is a prefix of another at a slash: every prefix below holds leaves of one depth only.
//! - A data key (`pack/`) is written by one session alone and never again; a control key is
//!   created conditionally and never rewritten.

use std::fmt;

use strongroom_base::ids::SessionId;

use crate::object::ObjectKey;

/// Where the repository says what it is.
pub(crate) const CONFIG: &str = "config";
/// Key slots.
pub(crate) const KEYS: &str = "key/";
/// Announced sessions.
pub(crate) const SESSIONS: &str = "session/";
/// Signs of life of sessions.
pub(crate) const ALIVE: &str = "alive/";
/// End keys of sessions that commit no manifest.
pub(crate) const ENDS: &str = "end/";
/// Packs of data and nodes.
pub(crate) const PACKS: &str = "pack/";
/// Index segments.
pub(crate) const INDEX: &str = "index/";
/// Manifests and tombstones.
pub(crate) const MANIFESTS: &str = "manifest/";
/// Deletions.
pub(crate) const GRAVES: &str = "grave/";
/// Decided undeletes.
pub(crate) const UNGRAVES: &str = "ungrave/";
/// Undeletes under way.
pub(crate) const INTENTS: &str = "intent/";
/// Graves of collected backups, merged.
pub(crate) const BURIED: &str = "buried/";
/// Locks.
pub(crate) const HOLDS: &str = "hold/";
/// Packs that a collector is about to delete.
pub(crate) const CONDEMNED: &str = "condemned/";
/// Condemned sets whose deletes are done.
pub(crate) const DONE: &str = "done/";
/// What verify found damaged.
pub(crate) const DAMAGED: &str = "damaged/";

/// Names of markers start with this; see [`crate::control::list_fresh`].
pub(crate) const MARKER: &str = "marker-";

/// The name of a pack: the session that wrote it and its number there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackId {
    /// Who wrote it.
    pub session: SessionId,
    /// Its number within the session, from 0.
    pub number: u32,
}

impl PackId {
    /// The key of the pack's object.
    pub fn key(self) -> ObjectKey {
        build(format_args!("{PACKS}{self}"))
    }

    /// Reads the part of a key after `pack/`.
    pub fn parse(name: &str) -> Option<Self> {
        let (session, number) = parse_numbered(name)?;
        Some(Self { session, number })
    }
}

impl fmt::Display for PackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:08x}", self.session, self.number)
    }
}

impl fmt::Debug for PackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackId({self})")
    }
}

fn build(parts: fmt::Arguments<'_>) -> ObjectKey {
    ObjectKey::parse(&parts.to_string()).expect("our prefixes, ids and numbers are valid keys")
}

/// `config`
pub(crate) fn config() -> ObjectKey {
    build(format_args!("{CONFIG}"))
}

/// A session's key below one of the prefixes that hold one object for a session.
pub(crate) fn of_session(prefix: &str, session: SessionId) -> ObjectKey {
    build(format_args!("{prefix}{session}"))
}

/// An object that a session numbers itself: `alive/<session>-<n>`, `index/<session>-<n>`, ...
pub(crate) fn numbered(prefix: &str, session: SessionId, number: u32) -> ObjectKey {
    build(format_args!("{prefix}{session}-{number:08x}"))
}

/// A key slot.
pub(crate) fn slot(name: &str) -> Option<ObjectKey> {
    ObjectKey::parse(&format!("{KEYS}{name}"))
}

/// A marker below `prefix`.
pub(crate) fn marker(prefix: &str, random: SessionId) -> ObjectKey {
    build(format_args!("{prefix}{MARKER}{random}"))
}

/// The part of `key` after `prefix`; `None` for markers and foreign keys.
pub(crate) fn name<'a>(key: &'a ObjectKey, prefix: &str) -> Option<&'a str> {
    key.as_str().strip_prefix(prefix).filter(|name| !name.starts_with(MARKER))
}

/// Reads `<session>`.
pub(crate) fn parse_session(name: &str) -> Option<SessionId> {
    name.parse().ok()
}

/// Reads `<session>-<number>`.
pub(crate) fn parse_numbered(name: &str) -> Option<(SessionId, u32)> {
    let (session, number) = name.split_once('-')?;
    Some((session.parse().ok()?, parse_number(number)?))
}

fn parse_number(text: &str) -> Option<u32> {
    let valid = text.len() == 8 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    valid.then(|| u32::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        let session = SessionId(*b"0123456789abcdef");
        let pack = PackId { session, number: 0xab };
        assert_eq!(name(&pack.key(), PACKS).and_then(PackId::parse), Some(pack));
        let intent = numbered(INTENTS, session, 2);
        assert_eq!(name(&intent, INTENTS).and_then(parse_numbered), Some((session, 2)));
        assert_eq!(name(&marker(GRAVES, session), GRAVES), None);
        assert_eq!(PackId::parse("xyz-00000001"), None);
        assert_eq!(parse_numbered(&format!("{session}-+0000001")), None);
    }
}
