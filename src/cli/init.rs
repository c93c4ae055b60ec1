//! `vigie init`: a first config, the Slack app's manifest, and the list of variables, in a folder where none of them stands.

mod answers;
mod dialogue;
mod files;
mod template;

use super::{Exit, answer};
use answers::Answers;
use clap::Args;
use std::io::{IsTerminal as _, stdin, stdout};
use std::path::{Path, PathBuf};

/// What is known without a question.
#[derive(Clone, Debug, Default, Args)]
pub struct Init {
    /// Where the files go; the folder is made where it is not there.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Where alerts are shown, with or without #.
    #[arg(long)]
    pub channel: Option<String>,
    /// In which people are told times: Europe/Paris. Default: this machine's.
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<String>,
    /// The name of the first source: alerts come to /hooks/NAME.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// The e-mail address of who hears of what nobody acknowledges, and may do everything.
    #[arg(long, value_name = "EMAIL")]
    pub lead: Option<String>,
    /// Ask nothing: flags and defaults.
    #[arg(long, short)]
    pub yes: bool,
}

/// Asks on a terminal what no flag says, and writes the files. Nothing is written over.
pub fn run(args: &Init) -> anyhow::Result<Exit> {
    files::none_stands_in(&args.dir)?;
    let given = answers::Given::of(args)?;
    let answers = if !args.yes && stdin().is_terminal() {
        dialogue::ask(&given, &mut stdin().lock(), &mut stdout())?
    } else {
        given.or_defaults()
    };
    files::write(&args.dir, &template::files(&answers))?;
    answer(next_steps(&args.dir, &answers))?;
    Ok(Exit::Good)
}

fn next_steps(dir: &Path, answers: &Answers) -> String {
    let mut lines: Vec<String> = vec!["Written, and nothing else was touched:".to_owned()];
    lines.extend(template::NAMES.iter().map(|name| format!("  {}", dir.join(name).display())));
    if answers.lead.is_none() {
        lines.push(
            "\nNobody is the lead yet: write who it is into vigie.yaml, under roles.".to_owned(),
        );
    }
    lines.push("\nNext:".to_owned());
    lines.push(
        "  1. Make the Slack app: https://api.slack.com/apps?new_app=1, From a manifest; paste slack-manifest.yaml; install it."
            .to_owned(),
    );
    let enter = match dir == Path::new(".") {
        true => String::new(),
        false => format!("cd {} && ", quoted(&dir.display().to_string())),
    };
    lines.push(
        "  2. Fill in the secrets (.env says where each comes from), and let this shell have them:"
            .to_owned(),
    );
    lines.push(format!(
        "       {enter}cp -n .env.example .env && chmod 600 .env && ${{EDITOR:-vi}} .env"
    ));
    lines.push("       set -a; . ./.env; set +a".to_owned());
    lines.push(format!("  3. In Slack's {}: /invite @vigie. Then:", answers.channel));
    lines.push("       vigie check && vigie doctor && vigie serve".to_owned());
    lines.join("\n")
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text.to_owned();
    }
    let dashed = if text.starts_with('-') { "./" } else { "" };
    format!("'{dashed}{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_any_name_is_one_word_of_the_shell() {
        for (name, word) in [
            ("vigie", "vigie"),
            ("/srv/my bot", "'/srv/my bot'"),
            ("a'b; rm x", r"'a'\''b; rm x'"),
            ("-x", "'./-x'"),
        ] {
            assert_eq!(quoted(name), word);
        }
    }
}
