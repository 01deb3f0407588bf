//! Medians over the runs, and the best of the peers.

use super::limit::Limit;
use super::measure::Cost;
use super::row::Row;
use super::scenario::Sample;
use super::tool::Tool;

/// One variant in one row: the median of its runs, each column for itself.
pub(super) struct Figure {
    /// Index of the tool.
    pub(super) tool: usize,
    pub(super) row: Row,
    pub(super) runs: usize,
    pub(super) cost: Cost,
    /// Median of wall plus settling, seconds.
    pub(super) durable_s: f64,
    pub(super) stored: Option<u64>,
    pub(super) added: Option<u64>,
    pub(super) requests: Option<u64>,
}

/// All figures of a bench.
pub(super) struct Figures {
    pub(super) tools: Vec<Tool>,
    pub(super) all: Vec<Figure>,
    pub(super) limits: Vec<Limit>,
}

impl Figures {
    /// Takes the median of what was measured.
    pub(super) fn new(tools: Vec<Tool>, samples: &[Sample], limits: &[Vec<Limit>]) -> Self {
        let mut all = Vec::new();
        for row in Row::ALL {
            for tool in 0..tools.len() {
                let runs = samples.iter().filter(|sample| sample.tool == tool && sample.row == row);
                let runs: Vec<&Sample> = runs.collect();
                all.extend(Figure::median(tool, row, &runs));
            }
        }
        let limits = median_limits(limits);
        Self { tools, all, limits }
    }

    /// The figures of one row.
    pub(super) fn of(&self, row: Row) -> impl Iterator<Item = (&Tool, &Figure)> {
        self.all
            .iter()
            .filter(move |figure| figure.row == row)
            .filter_map(|figure| Some((self.tools.get(figure.tool)?, figure)))
    }

    /// Our own figure in a row.
    pub(super) fn ours(&self, row: Row) -> Option<&Figure> {
        self.of(row).find(|(tool, _)| tool.is_ours()).map(|(_, figure)| figure)
    }

    /// The smallest value that a judged peer, of one program or of any, reached in a row.
    pub(super) fn best_peer(
        &self,
        row: Row,
        program: Option<&str>,
        value: impl Fn(&Figure) -> Option<f64>,
    ) -> Option<(f64, &'static str)> {
        self.of(row)
            .filter(|(tool, _)| !tool.is_ours() && tool.is_judged())
            .filter(|(tool, _)| program.is_none_or(|program| tool.program() == program))
            .filter_map(|(tool, figure)| Some((value(figure)?, tool.variant.name())))
            .min_by(|(a, _), (b, _)| a.total_cmp(b))
    }
}

impl Figure {
    fn median(tool: usize, row: Row, runs: &[&Sample]) -> Option<Self> {
        let costs: Vec<Cost> = runs.iter().map(|sample| sample.cost).collect();
        Some(Self {
            tool,
            row,
            runs: runs.len(),
            cost: median_cost(&costs)?,
            durable_s: median(costs.iter().map(Cost::durable_s), f64::total_cmp)?,
            stored: median(runs.iter().filter_map(|sample| sample.stored), u64::cmp),
            added: median(runs.iter().filter_map(|sample| sample.added), u64::cmp),
            requests: median(runs.iter().filter_map(|sample| sample.requests), u64::cmp),
        })
    }
}

fn median_limits(runs: &[Vec<Limit>]) -> Vec<Limit> {
    let first = runs.first().into_iter().flatten();
    first
        .filter_map(|limit| {
            let same = runs.iter().flatten().filter(|other| other.name == limit.name);
            let costs: Vec<Cost> = same.map(|other| other.cost).collect();
            Some(Limit { name: limit.name, cost: median_cost(&costs)?, bytes: limit.bytes })
        })
        .collect()
}

fn median_cost(costs: &[Cost]) -> Option<Cost> {
    Some(Cost {
        cpu_s: median(costs.iter().map(|cost| cost.cpu_s), f64::total_cmp)?,
        wall_s: median(costs.iter().map(|cost| cost.wall_s), f64::total_cmp)?,
        settle_s: median(costs.iter().map(|cost| cost.settle_s), f64::total_cmp)?,
        anon_bytes: median(costs.iter().map(|cost| cost.anon_bytes), u64::cmp)?,
    })
}

/// The middle value; of an even count the lower of the two.
fn median<T: Copy>(
    values: impl Iterator<Item = T>,
    order: impl Fn(&T, &T) -> std::cmp::Ordering,
) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_by(order);
    values.get(values.len().checked_sub(1)? / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn median_is_the_lower_middle_value() {
        assert_eq!(median([3_u64, 1, 2].into_iter(), u64::cmp), Some(2));
        assert_eq!(median([4_u64, 1, 2, 3].into_iter(), u64::cmp), Some(2));
        assert_eq!(median(std::iter::empty::<u64>(), u64::cmp), None);
    }
}
