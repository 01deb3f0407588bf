//! `strongroom user reset-password`: a new password for a user whose password is lost.

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;
use strongroom_control::Error;
use zeroize::Zeroizing;

use crate::config::{Config, ConfigOptions};
use crate::failure::{Failure, Kind};
use crate::login_files::{Login, Openrc};
use crate::output::{Format, Printer};
use crate::serve;

const EXAMPLES: &str = "\
Examples:
  strongroom user reset-password admin
  strongroom user reset-password admin --data-dir /srv/strongroom

Works on the database itself, with the settings and the master key of the server, which may run
meanwhile. The user's tokens end; access keys stay. clouds.yaml and openrc in the data directory are
written anew if they are this user's, or missing.";

/// Works on users, past the service
#[derive(Debug, Args)]
pub(crate) struct UserCommand {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    ResetPassword(ResetPassword),
}

/// Gives a user a new password and prints it once
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
struct ResetPassword {
    /// The user's name
    name: String,
    #[command(flatten)]
    options: ConfigOptions,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
}

#[derive(Serialize)]
struct Document<'a> {
    user: &'a str,
    domain: &'a str,
    password: &'a str,
    /// Files that were written.
    files: Vec<String>,
}

impl UserCommand {
    pub(crate) fn printer(&self) -> Printer {
        let Verb::ResetPassword(reset) = &self.verb;
        Printer { format: reset.output, stdout_is_taken: false }
    }

    pub(crate) async fn run(self, printer: Printer) -> Result<()> {
        let Verb::ResetPassword(reset) = self.verb;
        reset.run(printer).await
    }
}

impl ResetPassword {
    async fn run(self, printer: Printer) -> Result<()> {
        let values = self.options.values()?;
        let config = Config::of(&values)?;
        let service = serve::existing(&config, &values).await?;
        let new = match service.password_reset(&config.domain, &self.name).await {
            Err(Error::NotFound(_)) => return Err(unknown(&self.name, &config.domain)),
            new => new?,
        };
        let openrc = Openrc::read(&config.data_dir);
        let get = |name: &str| openrc.as_ref().and_then(|openrc| openrc.get(name));
        let is_theirs = get("OS_USERNAME").is_none_or(|user| user == self.name);
        let key = get("OS_ACCESS_KEY").zip(get("OS_SECRET_KEY")).filter(|_| is_theirs);
        let login = Login {
            auth_url: format!("{}/iam/v3", config.public_url(config.listen)),
            region: config.region.clone(),
            domain: config.domain.clone(),
            user: self.name,
            password: new.password,
            project: new.project.map(|it| (it.name.to_string(), it.id.to_string())),
            key: key.map(|(access, secret)| (access.to_owned(), Zeroizing::new(secret.to_owned()))),
        };
        let written = is_theirs.then(|| login.replace(&config.data_dir)).transpose()?;
        let files = written.into_iter().flatten().map(|path| path.display().to_string()).collect();
        let (user, domain, password) = (&*login.user, &*login.domain, &**login.password);
        printer.print(&Document { user, domain, password, files }, |document| {
            let files = document.files.iter().map(|path| format!("  written   {path}\n"));
            format!("{}{}", *login.shown(), files.collect::<String>())
        })
    }
}

fn unknown(user: &str, domain: &str) -> anyhow::Error {
    Failure::new(Kind::NotFound, format!("there is no user {user} in the domain {domain}"))
        .hint("check the name, and the settings domain, data_dir and database")
        .into()
}
