//! Records as the journal's payloads have them: JSON, one on each line.

use strongroom_db::JournalRecord;

/// Lines of a payload.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    pub(crate) fn push(&mut self, record: &JournalRecord) {
        serde_json::to_writer(&mut self.0, record)
            .expect("a record has text keys and no failing parts, and memory takes all");
        self.0.push(b'\n');
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

/// The records of a payload; `None` for a line that is none.
pub(crate) fn parse(payload: &[u8]) -> impl Iterator<Item = Option<JournalRecord>> {
    let lines = payload.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).ok())
}
