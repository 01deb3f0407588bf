//! The figures as tables for people and as JSON for programs.

use std::fmt;
use std::fmt::Write;

use serde_json::{Value, json};

use super::figure::{Figure, Figures};
use super::gate::{Gate, mebibytes};
use super::image::{Facts, Images};
use super::row::Row;
use super::tool::Tool;

/// How a column's value is taken from a figure.
type Column = fn(&Figure) -> Option<f64>;

/// Everything one bench found out.
pub(super) struct Report<'a> {
    pub(super) images: &'a Images,
    pub(super) figures: &'a Figures,
    pub(super) gates: &'a [Gate],
}

impl Report<'_> {
    /// Tables, one for each row.
    pub(super) fn to_text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        let Facts { data, changed, paged } = self.images.facts;
        let [data, changed, paged] = [data, changed, paged].map(mebibytes);
        writeln!(
            text,
            "disk: {data:.0} MiB of data; changed: {changed:.0} MiB of 4 KiB blocks ({:.1} %); \
             random pages: {paged:.1} MiB",
            100.0 * changed / data
        )?;
        self.write_limits(&mut text)?;
        for row in Row::ALL {
            self.write_row(&mut text, row)?;
        }
        self.write_gates(&mut text)?;
        Ok(text)
    }

    fn write_limits(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "\nthis machine's limits{:22}  CPU s   wall s  durable s      MiB", "")?;
        for limit in &self.figures.limits {
            writeln!(
                text,
                "  {:40} {:7.2}  {:7.2}    {:7.2}  {:7.0}",
                limit.name,
                limit.cost.cpu_s,
                limit.cost.wall_s,
                limit.cost.durable_s(),
                mebibytes(limit.bytes)
            )?;
        }
        Ok(())
    }

    fn write_row(&self, text: &mut String, row: Row) -> fmt::Result {
        let mut lines: Vec<(&Tool, &Figure)> = self.figures.of(row).collect();
        if lines.is_empty() {
            return Ok(());
        }
        lines.sort_by(|(_, a), (_, b)| a.cost.cpu_s.total_cmp(&b.cost.cpu_s));
        writeln!(
            text,
            "\n{:42}   CPU s   wall s  durable s  anon MiB  stored MiB  added MiB  requests",
            row.title()
        )?;
        for (tool, figure) in lines {
            writeln!(
                text,
                "  {:40} {:7.2}  {:7.2}    {:7.2}  {:8.0}  {:>10}  {:>9}  {:>8}",
                format!("{} ({})", tool.variant.name(), tool.version),
                figure.cost.cpu_s,
                figure.cost.wall_s,
                figure.durable_s,
                mebibytes(figure.cost.anon_bytes),
                or_dash(figure.stored.map(|bytes| format!("{:.1}", mebibytes(bytes)))),
                or_dash(figure.added.map(|bytes| format!("{:.1}", mebibytes(bytes)))),
                or_dash(figure.requests.map(|count| count.to_string())),
            )?;
        }
        self.write_ratios(text, row)
    }

    fn write_ratios(&self, text: &mut String, row: Row) -> fmt::Result {
        let Some(ours) = self.figures.ours(row) else { return Ok(()) };
        let columns: [(&str, Column); 5] = [
            ("CPU", |figure| Some(figure.cost.cpu_s)),
            ("wall", |figure| Some(figure.cost.wall_s)),
            ("durable", |figure| Some(figure.durable_s)),
            ("stored", |figure| figure.stored.map(mebibytes)),
            ("added", |figure| figure.added.map(mebibytes)),
        ];
        let ratios: Vec<String> = columns
            .into_iter()
            .filter_map(|(name, value)| {
                let (best, peer) = self.figures.best_peer(row, None, value)?;
                Some(format!("{name} {:.2} ({peer})", value(ours)? / best))
            })
            .collect();
        if ratios.is_empty() {
            return Ok(());
        }
        writeln!(text, "  strongroom / best peer: {}", ratios.join(", "))
    }

    fn write_gates(&self, text: &mut String) -> fmt::Result {
        if self.gates.is_empty() {
            return writeln!(text, "\nno gate judged: strongroom or its peers were not measured");
        }
        writeln!(text, "\ngates")?;
        for gate in self.gates {
            writeln!(
                text,
                "  {} {:40} {:9.2}, at most {:9.2} ({})",
                if gate.passes() { "PASS" } else { "FAIL" },
                gate.name,
                gate.ours,
                gate.limit,
                gate.peer
            )?;
        }
        Ok(())
    }

    /// The same for programs; sizes in bytes, times in seconds.
    pub(super) fn to_json(&self) -> Value {
        let tools = &self.figures.tools;
        let rows = self.figures.all.iter().map(|figure| {
            let tool = tools.get(figure.tool);
            json!({
                "row": figure.row.word(),
                "tool": tool.map(|tool| tool.variant.name()),
                "version": tool.map(|tool| tool.version.as_str()),
                "runs": figure.runs,
                "cpu_s": figure.cost.cpu_s,
                "wall_s": figure.cost.wall_s,
                "durable_s": figure.durable_s,
                "anon_bytes": figure.cost.anon_bytes,
                "stored_bytes": figure.stored,
                "added_bytes": figure.added,
                "requests": figure.requests,
            })
        });
        let limits = self.figures.limits.iter().map(|limit| {
            json!({
                "name": limit.name,
                "cpu_s": limit.cost.cpu_s,
                "wall_s": limit.cost.wall_s,
                "durable_s": limit.cost.durable_s(),
                "bytes": limit.bytes,
            })
        });
        let gates = self.gates.iter().map(|gate| {
            json!({
                "name": gate.name,
                "ours": gate.ours,
                "limit": gate.limit,
                "peer": gate.peer,
                "pass": gate.passes(),
            })
        });
        json!({
            "images": {
                "data_bytes": self.images.facts.data,
                "changed_bytes": self.images.facts.changed,
                "paged_bytes": self.images.facts.paged,
            },
            "limits": limits.collect::<Value>(),
            "rows": rows.collect::<Value>(),
            "gates": gates.collect::<Value>(),
        })
    }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}
