//! What an error means for the caller of the program: an exit code, a kind and hints.
//!
//! # Why
//! Scripts branch on the exit code, people act on the hints. Both follow from the typed errors of
//! the crates below, looked at in one place, so that the same error never ends in two ways.
//!
//! # Not here
//! The texts of the errors: each crate's own enums. What the service's answers come to:
//! `failure::service`. Of recovering: `failure::catalogue`.

mod catalogue;
mod service;

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use serde::Serialize;
use strongroom_base::error::Chain;
use strongroom_base::{SinkError, SourceError};
use strongroom_repo::object::ObjectError;
use strongroom_repo::object::address::{AddressError, StoreOpenError};
use strongroom_repo::object::local::directory_files::LocalOpenError;
use strongroom_repo::object::probe::ProbeError;
use strongroom_repo::{
    BackupError, CollectError, GraveError, OpenError, ReadError, RestoreError, VerifyError,
};

use crate::output::{Format, Printer};

/// What sort of failure it is. The number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Anything else.
    Failed = 1,
    /// The command line, or what it names, cannot be used as asked.
    Usage = 2,
    /// A repository, backup, disk or key slot that is not there.
    NotFound = 3,
    /// Something that exists or was decided stands against it.
    Conflict = 4,
    /// The store or the service does not answer or refuses us.
    Unavailable = 5,
    /// Bytes are not what was written.
    Corruption = 6,
    /// No key, or the wrong one.
    Key = 7,
    /// The disk is in use, or changed while it was read.
    Source = 8,
    /// The store is full or read-only.
    Store = 9,
    /// The user asked to stop.
    Interrupted = 130,
}

/// A failure that the program itself finds.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    hints: Vec<String>,
    is_told: bool,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), is_told: false }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The answer that was printed as JSON says all of it already.
    #[must_use]
    pub(crate) fn told(mut self) -> Self {
        self.is_told = true;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Failure {}

/// What the chain of an error comes to.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    kind: Kind,
    hints: Vec<String>,
}

impl Verdict {
    fn of(kind: Kind) -> Self {
        Self { kind, hints: Vec::new() }
    }

    fn hint(kind: Kind, hint: &str) -> Self {
        Self { kind, hints: vec![hint.to_owned()] }
    }
}

/// Prints the error and says with which code to end.
pub(crate) fn report(error: &anyhow::Error, printer: Printer) -> ExitCode {
    let verdict = judge(error);
    let message = Chain(error.as_ref()).to_string();
    let is_told = error.downcast_ref::<Failure>().is_some_and(|failure| failure.is_told);
    if is_told && printer.format == Format::Json {
        return ExitCode::from(verdict.kind as u8);
    }
    print(&verdict, &message, printer);
    ExitCode::from(verdict.kind as u8)
}

/// Prints what is wrong with the command line, or the help that was asked for.
pub(crate) fn report_usage(error: &clap::Error) -> ExitCode {
    let arguments: Vec<_> = std::env::args().collect();
    let asks_for_json = arguments.iter().any(|argument| argument == "--output=json")
        || arguments.windows(2).any(|pair| pair == ["--output", "json"]);
    if error.use_stderr() && asks_for_json {
        let printer = Printer { format: Format::Json, stdout_is_taken: false };
        let text = error.render().to_string();
        let text = text.trim().strip_prefix("error: ").unwrap_or(text.trim()).to_owned();
        print(&Verdict::of(Kind::Usage), &text, printer);
    } else if error.print().is_err() {
        // Nobody reads what we print; the code still tells.
    }
    let code = if error.use_stderr() { Kind::Usage as u8 } else { 0 };
    ExitCode::from(code)
}

fn print(verdict: &Verdict, message: &str, printer: Printer) {
    #[derive(Serialize)]
    struct Document<'a> {
        error: Body<'a>,
    }
    #[derive(Serialize)]
    struct Body<'a> {
        kind: Kind,
        message: &'a str,
        hints: &'a [String],
    }
    if printer.format == Format::Json {
        let error = Body { kind: verdict.kind, message, hints: &verdict.hints };
        if printer.print(&Document { error }, |_| String::new()).is_ok() {
            return;
        }
    }
    eprintln!("error: {message}");
    for hint in &verdict.hints {
        eprintln!("hint: {hint}");
    }
}

/// The first error of the chain that decides.
fn judge(error: &anyhow::Error) -> Verdict {
    error.chain().find_map(judge_one).unwrap_or_else(|| Verdict::of(Kind::Failed))
}

/// `None` when the error only says what was tried, and its source decides.
fn judge_one(error: &(dyn Error + 'static)) -> Option<Verdict> {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Some(Verdict { kind: failure.kind, hints: failure.hints.clone() });
    }
    error
        .downcast_ref()
        .and_then(judge_open)
        .or_else(|| error.downcast_ref().and_then(judge_object))
        .or_else(|| error.downcast_ref().and_then(judge_read))
        .or_else(|| error.downcast_ref().and_then(judge_backup))
        .or_else(|| error.downcast_ref().and_then(judge_restore))
        .or_else(|| error.downcast_ref().and_then(judge_grave))
        .or_else(|| error.downcast_ref().and_then(judge_collect))
        .or_else(|| error.downcast_ref().and_then(judge_verify))
        .or_else(|| error.downcast_ref().and_then(judge_source))
        .or_else(|| error.downcast_ref().and_then(judge_sink))
        .or_else(|| error.downcast_ref().map(judge_address))
        .or_else(|| error.downcast_ref().map(judge_store_open))
        .or_else(|| error.downcast_ref().map(judge_local_open))
        .or_else(|| error.downcast_ref().and_then(judge_probe))
        .or_else(|| error.downcast_ref().and_then(catalogue::judge_catalogue))
        .or_else(|| error.downcast_ref().and_then(catalogue::judge_journal))
        .or_else(|| error.downcast_ref().map(service::judge_client))
        .or_else(|| error.downcast_ref().and_then(judge_io))
}

fn judge_open(error: &OpenError) -> Option<Verdict> {
    Some(match error {
        OpenError::Absent { .. } => Verdict::hint(
            Kind::NotFound,
            "check --repo; `strongroom repo init` makes a new repository",
        ),
        OpenError::Exists { .. } => {
            Verdict::hint(Kind::Conflict, "use the repository that is there, or another place")
        }
        OpenError::NotOurs { .. } => {
            Verdict::hint(Kind::Conflict, "a repository needs an empty directory or prefix")
        }
        OpenError::TooNew { .. } => {
            Verdict::hint(Kind::Failed, "use a newer build of strongroom; nothing was changed")
        }
        OpenError::WrongKey { .. } => Verdict::hint(
            Kind::Key,
            "give the key that `init` made for this repository (--key-file, STRONGROOM_KEY or \
             --key-command)",
        ),
        OpenError::Damaged { .. } => Verdict::of(Kind::Corruption),
        OpenError::LastSlot { .. } => Verdict::hint(
            Kind::Conflict,
            "without any slot nobody could open the repository; first add another key",
        ),
        OpenError::NoSlot { .. } => {
            Verdict::hint(Kind::NotFound, "`strongroom repo key list` shows the slots")
        }
        _ => return None,
    })
}

fn judge_object(error: &ObjectError) -> Option<Verdict> {
    Some(match error {
        // Whoever may find nothing has asked so; here something is missing that was written.
        ObjectError::NotFound { .. } | ObjectError::Short { .. } => Verdict::hint(
            Kind::Corruption,
            "`strongroom repo verify` names every backup that is affected",
        ),
        ObjectError::AlreadyExists { .. } => Verdict::of(Kind::Conflict),
        ObjectError::Full { .. } => Verdict::hint(
            Kind::Store,
            "make room in the store and try again; what is there already is used again, and \
             earlier backups are not touched",
        ),
        ObjectError::ReadOnly { .. } => Verdict::hint(
            Kind::Store,
            "make the store writable; restoring and listing announce themselves there as well",
        ),
        ObjectError::Denied { .. } => {
            Verdict::hint(Kind::Unavailable, "check permissions, credentials and the bucket's name")
        }
        ObjectError::Unavailable { .. } => {
            Verdict::hint(Kind::Unavailable, "try again when the store answers")
        }
        _ => return None,
    })
}

fn judge_read(error: &ReadError) -> Option<Verdict> {
    Some(match error {
        ReadError::Damaged { .. } | ReadError::Missing { .. } => Verdict::hint(
            Kind::Corruption,
            "`strongroom repo verify --level full` names every backup that is affected",
        ),
        ReadError::StaleList { .. } => {
            Verdict::hint(Kind::Unavailable, "try again; nothing was deleted")
        }
        _ => return None,
    })
}

fn judge_backup(error: &BackupError) -> Option<Verdict> {
    Some(match error {
        BackupError::NoDisk | BackupError::SameName { .. } => Verdict::of(Kind::Usage),
        BackupError::GivenUp | BackupError::DamagedMeanwhile => {
            Verdict::hint(Kind::Conflict, "try again; what was sent already is used again")
        }
        BackupError::Cancelled => Verdict::hint(
            Kind::Interrupted,
            "nothing of this backup is visible; the next one uses what was sent already",
        ),
        _ => return None,
    })
}

fn judge_restore(error: &RestoreError) -> Option<Verdict> {
    Some(match error {
        RestoreError::Absent { .. } => {
            Verdict::hint(Kind::NotFound, "`strongroom repo list` shows the backups")
        }
        RestoreError::NoDisk { .. } => {
            Verdict::hint(Kind::NotFound, "`strongroom repo show ID` lists the disks of a backup")
        }
        RestoreError::Cancelled => Verdict::of(Kind::Interrupted),
        _ => return None,
    })
}

fn judge_grave(error: &GraveError) -> Option<Verdict> {
    Some(match error {
        GraveError::Absent { .. } => {
            Verdict::hint(Kind::NotFound, "`strongroom repo list` shows the backups")
        }
        GraveError::Held { .. } => {
            Verdict::hint(Kind::Conflict, "a hold cannot be shortened or taken back")
        }
        GraveError::NotDeleted { .. } | GraveError::TooLate { .. } => Verdict::of(Kind::Conflict),
        _ => return None,
    })
}

fn judge_collect(error: &CollectError) -> Option<Verdict> {
    Some(match error {
        CollectError::Busy { .. } => Verdict::hint(
            Kind::Conflict,
            "run it again when they are done, or wait longer with --wait; nothing that is needed \
             was deleted",
        ),
        CollectError::Index { .. } => Verdict::hint(
            Kind::Corruption,
            "`strongroom repo verify` names them; nothing was deleted",
        ),
        CollectError::Cancelled => {
            Verdict::hint(Kind::Interrupted, "the next collection goes on where this one stopped")
        }
        _ => return None,
    })
}

fn judge_verify(error: &VerifyError) -> Option<Verdict> {
    matches!(error, VerifyError::Cancelled).then(|| Verdict::of(Kind::Interrupted))
}

fn judge_source(error: &SourceError) -> Option<Verdict> {
    Some(match error {
        SourceError::Absent { .. } => Verdict::of(Kind::NotFound),
        SourceError::InUse { .. } => Verdict::hint(
            Kind::Source,
            "stop what uses the disk; --force-unsafe reads it all the same, and then the backup \
             may hold a state that the disk never had",
        ),
        SourceError::Changed { .. } => Verdict::hint(
            Kind::Source,
            "no backup was made; back up a snapshot, or stop what writes to the disk",
        ),
        SourceError::Unusable { .. } => Verdict::hint(
            Kind::Usage,
            "a disk is an image file or a block device; --format names a format that the file's \
             name does not tell",
        ),
        SourceError::Access { .. } => {
            Verdict::hint(Kind::Failed, "image formats need the Debian package qemu-utils")
        }
        _ => return None,
    })
}

fn judge_sink(error: &SinkError) -> Option<Verdict> {
    Some(match error {
        SinkError::Exists { .. } => Verdict::hint(
            Kind::Conflict,
            "a restore never replaces a file: give another name, or --in-place to write over it",
        ),
        SinkError::Absent { .. } => {
            Verdict::hint(Kind::NotFound, "--in-place needs an existing disk; --to makes a new one")
        }
        SinkError::InUse { .. } => Verdict::hint(
            Kind::Source,
            "stop what uses the disk; --force-unsafe writes it all the same and may destroy it",
        ),
        SinkError::TooSmall { .. } => {
            Verdict::hint(Kind::Usage, "nothing was written; give a target that is large enough")
        }
        SinkError::Unusable { .. } => Verdict::of(Kind::Usage),
        SinkError::Access { .. } => {
            Verdict::hint(Kind::Failed, "image formats need the Debian package qemu-utils")
        }
        _ => return None,
    })
}

fn judge_address(_: &AddressError) -> Verdict {
    Verdict::hint(
        Kind::Usage,
        "write fs:///path, a plain path, or s3://bucket/prefix?endpoint=http://host:port",
    )
}

fn judge_store_open(error: &StoreOpenError) -> Verdict {
    match error {
        StoreOpenError::Local(error) => judge_local_open(error),
        StoreOpenError::NoCredentials { .. } => {
            Verdict::hint(Kind::Usage, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        }
        _ => Verdict::of(Kind::Usage),
    }
}

fn judge_local_open(error: &LocalOpenError) -> Verdict {
    match error {
        LocalOpenError::Absent { .. } => Verdict::hint(
            Kind::NotFound,
            "check --repo; `strongroom repo init` makes a new repository",
        ),
        LocalOpenError::NotADirectory { .. } => Verdict::of(Kind::Conflict),
        LocalOpenError::Denied { .. } => Verdict::of(Kind::Unavailable),
        LocalOpenError::Failed { source, .. } => {
            judge_io(source).unwrap_or_else(|| Verdict::of(Kind::Failed))
        }
        _ => Verdict::of(Kind::Failed),
    }
}

fn judge_probe(error: &ProbeError) -> Option<Verdict> {
    error.is_broken_guarantee().then(|| {
        Verdict::hint(
            Kind::Failed,
            "this store does not keep what several writers at once need; --single-writer uses it, \
             and then only one command may run at any time",
        )
    })
}

fn judge_io(error: &io::Error) -> Option<Verdict> {
    Some(match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Verdict::hint(Kind::Failed, "the file system of the target is full")
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            Verdict::hint(Kind::Store, "the file system is mounted read-only")
        }
        io::ErrorKind::PermissionDenied => {
            Verdict::hint(Kind::Failed, "this user may not do that; disks often need root")
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use strongroom_base::ids::RepoId;
    use strongroom_repo::object::ObjectKey;

    use super::*;

    #[test]
    fn judge_finds_the_error_that_decides() {
        let check = |error: anyhow::Error, kind| {
            let verdict = judge(&error.context("while testing"));
            assert_eq!(verdict.kind, kind);
        };
        let key = || ObjectKey::parse("pack/a").expect("a valid key");
        let wrapped = |error| BackupError::Repository(ReadError::Store(error));
        check(wrapped(ObjectError::Full { key: key() }).into(), Kind::Store);
        check(wrapped(ObjectError::ReadOnly { key: key() }).into(), Kind::Store);
        check(wrapped(ObjectError::NotFound { key: key() }).into(), Kind::Corruption);
        check(OpenError::WrongKey { repo: RepoId([0; 16]) }.into(), Kind::Key);
        check(OpenError::Store(ObjectError::Short { key: key(), end: 1 }).into(), Kind::Corruption);
        let changed = SourceError::Changed { at: String::new(), what: String::new() };
        check(BackupError::Source { name: String::new(), source: changed }.into(), Kind::Source);
        check(BackupError::Cancelled.into(), Kind::Interrupted);
        check(CollectError::Cancelled.into(), Kind::Interrupted);
        check(Failure::usage("no").into(), Kind::Usage);
        check(anyhow::anyhow!("no"), Kind::Failed);
    }
}
