//! Asking before something is deleted.

use std::io::{self, BufRead as _, IsTerminal as _};

use anyhow::{Context as _, Result};

use crate::failure::{Failure, Kind};

/// Shows what is at stake and asks. Anything but a yes is an error, also that nobody can answer.
pub(crate) fn ask(lines: &[String], question: &str) -> Result<()> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("nobody is there to confirm the deletion")
            .hint("give --yes to delete without a question")
            .into());
    }
    for line in lines {
        eprintln!("{line}");
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("reading the answer")?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::new(Kind::Interrupted, "nothing was deleted").into())
}
