//! How tasks ended, as an exit code.

use anyhow::Result;
use serde_json::Value;

use super::wire_value::text;
use crate::failure::{Failure, Kind};

/// The code of a task that somebody cancelled (cbr-v3, 11b).
const CANCELLED: &str = "Strongroom.Cancelled";

/// Nothing if all tasks were a success, else the failure that they come to. The tasks themselves
/// are printed.
pub(crate) fn check_outcomes(tasks: &[Value]) -> Result<()> {
    let bad: Vec<_> = tasks.iter().filter(|task| text(task, "/status") != "success").collect();
    let Some(first) = bad.first() else { return Ok(()) };
    let (code, message) = (text(first, "/error_info/code"), text(first, "/error_info/message"));
    let kind = match text(first, "/status") {
        "skipped" => Kind::Conflict,
        _ if code == CANCELLED => Kind::Interrupted,
        _ => Kind::Failed,
    };
    let count = if tasks.len() > 1 {
        format!("{} of {} tasks: ", bad.len(), tasks.len())
    } else {
        String::new()
    };
    let what = text(first, "/operation_type");
    let status = if code == CANCELLED { "was cancelled" } else { verb(text(first, "/status")) };
    let why = match (message, code) {
        ("", "") => String::new(),
        (message, "") => format!(": {message}"),
        (message, code) => format!(": {} ({code})", message.trim_end_matches('.')),
    };
    let hint = format!("`strongroom task show {}` shows all of it", text(first, "/id"));
    Err(Failure::new(kind, format!("{count}the {what} {status}{why}")).hint(hint).told().into())
}

fn verb(status: &str) -> &'static str {
    match status {
        "failed" => "failed",
        "skipped" => "was skipped",
        "timeout" => "took too long",
        "waiting" | "running" => "has not ended",
        _ => "ended otherwise",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn outcomes_name_the_first_failure() {
        let good = json!({"id": "1", "status": "success", "operation_type": "backup"});
        let bad = json!({"id": "2", "status": "failed", "operation_type": "backup",
            "error_info": {"code": "BackupService.6114", "message": "The vault is full."}});
        let cancelled = json!({"id": "3", "status": "failed", "operation_type": "restore",
            "error_info": {"code": "Strongroom.Cancelled", "message": ""}});
        assert!(check_outcomes(std::slice::from_ref(&good)).is_ok());
        let said = |tasks: &[Value]| check_outcomes(tasks).expect_err("not all good").to_string();
        assert_eq!(
            said(std::slice::from_ref(&bad)),
            "the backup failed: The vault is full (BackupService.6114)"
        );
        assert!(said(&[good, bad]).starts_with("1 of 2 tasks: the backup failed"));
        assert!(said(&[cancelled]).starts_with("the restore was cancelled"));
    }
}
