//! Names set aside by their first bits until they are looked up, in a temporary file when there
//! are many.
//!
//! # Why
//! The names of all units of a large repository do not fit into memory, and looked up in the order
//! of the maps each would touch another page of the index. Set aside in parts by their first bits,
//! each part is small and its names lie together in every segment.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use crate::crypto::UnitId;

/// Parts, by the first ten bits of a name.
const PARTS: usize = 1 << 10;
/// Names that a part keeps in memory: 8 KiB, with the others 8 MiB.
const KEPT: usize = 256;
const NAME_LEN: usize = 32;

/// Names set aside.
#[derive(Default)]
pub(crate) struct Spill {
    parts: Vec<Part>,
    file: Option<Arc<File>>,
    /// Bytes of the file in use.
    end: u64,
    len: usize,
}

/// The names of one part.
#[derive(Default)]
pub(crate) struct Part {
    kept: Vec<UnitId>,
    /// Where runs of [`KEPT`] names begin in the file.
    runs: Vec<u64>,
    file: Option<Arc<File>>,
}

impl Spill {
    /// How many names it holds.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Sets a name aside.
    pub(crate) fn push(&mut self, id: UnitId) -> io::Result<()> {
        self.len += 1;
        let [high, low, ..] = id.0;
        let number = (usize::from(u16::from_be_bytes([high, low])) * PARTS) >> 16;
        if self.parts.is_empty() {
            self.parts.resize_with(PARTS, Part::default);
        }
        let Some(part) = self.parts.get_mut(number) else { return Ok(()) };
        part.kept.push(id);
        if part.kept.len() < KEPT {
            return Ok(());
        }
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(Arc::new(tempfile::tempfile()?)),
        };
        let mut bytes = Vec::with_capacity(KEPT * NAME_LEN);
        part.kept.drain(..).for_each(|id| bytes.extend_from_slice(&id.0));
        file.write_all_at(&bytes, self.end)?;
        part.runs.push(self.end);
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Takes everything out, part by part.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Part> + use<> {
        let file = self.file.take();
        let parts = std::mem::take(&mut self.parts);
        *self = Self::default();
        parts.into_iter().map(move |part| Part { file: file.clone(), ..part })
    }
}

impl Part {
    /// Whether no name is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.runs.is_empty()
    }

    /// How long its names are together, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        ((self.kept.len() + self.runs.len() * KEPT) * NAME_LEN) as u64
    }

    /// Its names.
    pub(crate) fn read(self) -> io::Result<Vec<UnitId>> {
        let mut ids = self.kept;
        ids.reserve_exact(self.runs.len() * KEPT);
        let mut bytes = vec![0; KEPT * NAME_LEN];
        for start in self.runs {
            if let Some(file) = &self.file {
                file.read_exact_at(&mut bytes, start)?;
                ids.extend(bytes.as_chunks().0.iter().map(|name| UnitId(*name)));
            }
        }
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use strongroom_base::Rng as _;
    use strongroom_base::rng::SeededRng;

    use super::*;

    #[test]
    fn take_gives_back_every_name_part_by_part() {
        for count in [0, 1, 1000, 600_000] {
            let rng = SeededRng::new(3);
            let mut spill = Spill::default();
            let mut ids = vec![UnitId([0; 32]); count];
            for id in &mut ids {
                rng.fill(&mut id.0);
                spill.push(*id).unwrap();
            }
            assert_eq!(spill.len(), count);
            assert_eq!(spill.file.is_some(), count > PARTS * KEPT);
            let mut back = Vec::new();
            for part in spill.take().filter(|part| !part.is_empty()) {
                let mut names = part.read().unwrap();
                names.sort();
                assert!(back.last().is_none_or(|last| *last < names[0]), "parts are in order");
                back.extend(names);
            }
            ids.sort();
            assert!(back == ids && spill.len() == 0, "{count}");
        }
    }
}
