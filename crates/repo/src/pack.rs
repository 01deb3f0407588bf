//! Packs: objects of many sealed frames and a sealed footer that names the units inside.
//!
//! # Why
//! A store charges and waits by the request, so units travel in packs of about 16 MiB; a restore
//! reads single frames out of them by range.
//!
//! # Invariants
//! - A pack is written once, by the session in its name, under a key of its own.
//! - The footer tells everything the index knows of a pack, so that an index can be rebuilt.
//!
//! # Not here
//! The bytes, normatively: docs/format.md. Where units are: `crate::index`.

pub(crate) mod builder;
pub(crate) mod footer;
pub(crate) mod frame;
pub(crate) mod open;

use strongroom_base::ids::RepoId;

use crate::key::PackId;

/// First bytes of a pack.
const MAGIC: &[u8; 8] = b"SRPACK\0\0";
/// Last bytes of a pack.
const END_MAGIC: &[u8; 8] = b"SRPKEND\0";
/// Magic, version, kind, reserved byte, epoch, salt.
pub(crate) const HEADER_LEN: usize = 8 + 2 + 1 + 1 + 4 + crate::crypto::SALT_LEN;
/// Sealed footer's length, end magic.
pub(crate) const TRAILER_LEN: usize = 4 + 8;
/// The part number under which the footer is sealed; frames count from 0.
const FOOTER_PART: u32 = u32::MAX;

/// What the units of a pack are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PackKind {
    /// Pieces of disks and files.
    Data,
    /// Nodes of maps.
    Nodes,
}

impl PackKind {
    pub(crate) fn to_byte(self) -> u8 {
        match self {
            Self::Data => 0,
            Self::Nodes => 1,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Data),
            1 => Some(Self::Nodes),
            _ => None,
        }
    }
}

/// What the seal of a part of a pack binds: repository, pack and part.
fn bound(repo: RepoId, pack: PackId, part: u32) -> [u8; 40] {
    let mut out = [0; 40];
    let parts = [&repo.0[..], &pack.session.0, &pack.number.to_le_bytes(), &part.to_le_bytes()];
    for (to, from) in out.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    out
}
