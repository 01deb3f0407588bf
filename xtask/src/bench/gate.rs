//! What Strongroom has to reach against the best of its peers.

use super::figure::{Figure, Figures};
use super::row::Row;

/// Stored bytes may exceed the smallest peer's by this factor.
const STORED: f64 = 1.08;

/// Share of rustic's growth that our growth by random pages may have.
const PAGES: f64 = 1.0 / 3.0;

/// One judged comparison.
pub(super) struct Gate {
    pub(super) name: String,
    /// What we reached.
    pub(super) ours: f64,
    /// What we may reach at most.
    pub(super) limit: f64,
    /// The peer that sets the limit.
    pub(super) peer: &'static str,
}

impl Gate {
    pub(super) fn passes(&self) -> bool {
        self.ours <= self.limit
    }
}

/// Judges every comparison for which both sides were measured.
pub(super) fn judge(figures: &Figures) -> Vec<Gate> {
    let mut gates = Vec::new();
    for row in Row::ALL.into_iter().filter(|row| *row != Row::Untouched) {
        gates.extend(compare(figures, row, ("CPU s", None, 1.0), |figure| Some(figure.cost.cpu_s)));
        // Until durable: a peer that leaves its output in the page cache is not done yet.
        gates.extend(compare(figures, row, ("wall s", None, 1.0), |figure| Some(figure.durable_s)));
    }
    for row in [Row::First, Row::Changed] {
        gates.extend(compare(figures, row, ("stored MiB", None, STORED), |figure| {
            figure.stored.map(mebibytes)
        }));
    }
    let pages = ("added MiB", Some("rustic"), PAGES);
    gates.extend(compare(figures, Row::Pages, pages, |figure| figure.added.map(mebibytes)));
    gates
}

/// Bytes as MiB.
pub(super) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// Compares our value with `factor` times the best value of one program, or of all peers.
fn compare(
    figures: &Figures,
    row: Row,
    (what, program, factor): (&str, Option<&str>, f64),
    value: impl Fn(&Figure) -> Option<f64>,
) -> Option<Gate> {
    let ours = value(figures.ours(row)?)?;
    let (best, peer) = figures.best_peer(row, program, value)?;
    Some(Gate { name: format!("{}: {what}", row.title()), ours, limit: best * factor, peer })
}
