//! `strongroom config show`: which settings count, and where they come from.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::config::{Config, ConfigOptions};
use crate::output::{Format, Printer, table};

const EXAMPLES: &str = "\
Examples:
  strongroom config show
  strongroom config show --data-dir /srv/strongroom --output json

A later place wins: default, file, variable STRONGROOM_<NAME>, flag. Secrets are masked.";

/// Works on the server's configuration
#[derive(Debug, Args)]
pub(crate) struct ConfigCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Show(Show),
}

/// Prints every setting with its origin
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct Show {
    #[command(flatten)]
    options: ConfigOptions,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
}

#[derive(Debug, Serialize)]
struct Setting {
    name: &'static str,
    value: String,
    origin: String,
}

impl ConfigCommand {
    pub(crate) fn printer(&self) -> Printer {
        let Verb::Show(show) = &self.verb;
        Printer { format: show.output, stdout_is_taken: false }
    }

    pub(crate) fn run(self, printer: Printer) -> Result<()> {
        let Verb::Show(show) = self.verb;
        let values = show.options.values()?;
        let settings: Vec<_> = values
            .shown()
            .map(|(name, value)| Setting {
                name,
                value: value.text,
                origin: value.origin.to_string(),
            })
            .collect();
        printer.print(&settings, |settings| {
            let row =
                |one: &Setting| vec![one.name.to_owned(), one.value.clone(), one.origin.clone()];
            table(&["NAME", "VALUE", "ORIGIN"], settings.iter().map(row))
        })?;
        // What cannot be used is shown all the same, and said.
        Config::of(&values).map(drop)
    }
}
