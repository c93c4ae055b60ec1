//! `vigie connector list|show|call|test`: which tools there are, what they can do, and whether they answer. Nothing is changed by it:
//! that is for playbooks.

pub(in crate::cli) mod call;
mod show;

use super::{Env, Exit, Format, answer, connectors_beside, mappings_beside, settings};
use crate::config::{Secrets, Settings};
use crate::connectors::Library;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// `vigie connector …`
#[derive(Debug, Args)]
pub struct Connector {
    #[command(subcommand)]
    pub command: ConnectorCommand,
}

#[derive(Debug, Subcommand)]
pub enum ConnectorCommand {
    /// Which connectors there are, and which tools the config has of them.
    #[command(after_help = "\
Example:
  vigie connector list --config vigie.yaml")]
    List(List),
    /// What a connector wants to know, and what it can do.
    #[command(after_help = "\
Example:
  vigie connector show okta
  vigie connector show crowdstrike --format json")]
    Show(Show),
    /// Ask a tool something; with --dry, see what any call would send.
    #[command(after_help = "\
Only what looks is sent from here. What changes something is for a playbook, with whoever has to approve it: --dry shows its
request, with each secret as its name. Exits with 1 where the tool says no.

Example:
  vigie connector call okta.get_user user_id=alice@example.com
  vigie connector call crowdstrike.contain device_id=3f2a --dry")]
    Call(Call),
    /// Do the tools let us in? Each is asked something harmless.
    #[command(after_help = "\
Exits with 1 where one does not.

Example:
  vigie connector test okta")]
    Test(Test),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    pub at: At,
}

/// Where the config is, and how the answer looks.
#[derive(Clone, Debug, Args)]
pub struct At {
    /// The config, for its tools; vigie.yaml is taken where it is there
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct Show {
    /// A connector, or a tool of the config
    #[arg(value_name = "NAME")]
    pub name: String,
    #[command(flatten)]
    pub at: At,
}

#[derive(Debug, Args)]
pub struct Call {
    /// What is called: okta.get_user
    #[arg(value_name = "TOOL.ACTION")]
    pub uses: String,
    /// Its inputs; of a list the items with commas between them, or JSON
    #[arg(value_name = "NAME=VALUE", value_parser = pair)]
    pub with: Vec<(String, String)>,
    /// Send nothing: show what would be sent
    #[arg(long)]
    pub dry: bool,
    #[command(flatten)]
    pub at: At,
}

#[derive(Debug, Args)]
pub struct Test {
    /// A tool of the config; none means all of them
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub at: At,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("an input is written name=value")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// Does what was asked.
pub async fn run(args: Connector, env: Env<'static>) -> anyhow::Result<Exit> {
    let (exit, text) = match args.command {
        ConnectorCommand::List(args) => {
            let (library, settings) = args.at.read(env, Secrets::Leave)?;
            (Exit::Good, show::list(&library, settings.as_ref(), args.at.format))
        }
        ConnectorCommand::Show(args) => {
            let (library, settings) = args.at.read(env, Secrets::Leave)?;
            (Exit::Good, show::one(&library, settings.as_ref(), &args)?)
        }
        ConnectorCommand::Call(args) => call::call(&args, env).await?,
        ConnectorCommand::Test(args) => call::test(&args, env).await?,
    };
    answer(text)?;
    Ok(exit)
}

impl At {
    fn path(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new("vigie.yaml"))
    }

    /// The connectors, and the config where there is one.
    fn read(&self, env: Env<'_>, secrets: Secrets) -> anyhow::Result<(Library, Option<Settings>)> {
        let path = self.path();
        let library = connectors_beside(path);
        let library = library.map_err(|wrong| anyhow::anyhow!(super::joined(&wrong)))?;
        if self.config.is_none() && !path.exists() {
            return Ok((library, None));
        }
        Ok((library, Some(self.settings(env, secrets)?)))
    }

    fn settings(&self, env: Env<'_>, secrets: Secrets) -> anyhow::Result<Settings> {
        let mappings = mappings_beside(Some(self.path()))?;
        settings(self.path(), &mappings, (env, secrets))
    }
}
