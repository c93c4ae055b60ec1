//! What a check found: how it is, in words, and what to do where it is not well.

use crate::cli::Format;
use crate::cli::check::counted;
use serde::Serialize;
use serde_json::json;
use std::fmt::Write as _;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Good,
    /// It works, and a person should know; or it could not be tried.
    Warning,
    /// Alerts will not be shown, or people not told, before it is mended.
    Mend,
}

/// One line of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which part it is about, a word.
    pub what: &'static str,
    pub verdict: Verdict,
    /// How it is.
    pub words: String,
    /// What to do; where it is well, nothing.
    pub mend: Option<String>,
}

impl Finding {
    /// It is as it should be.
    pub fn good(what: &'static str, words: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Good, words: words.into(), mend: None }
    }

    /// It works; a person should know.
    pub fn warning(
        what: &'static str,
        words: impl Into<String>,
        mend: impl Into<Option<String>>,
    ) -> Self {
        Self { what, verdict: Verdict::Warning, words: words.into(), mend: mend.into() }
    }

    /// A person must act.
    pub fn mend(what: &'static str, words: impl Into<String>, mend: impl Into<String>) -> Self {
        let (words, mend) = (words.into(), Some(mend.into()));
        Self { what, verdict: Verdict::Mend, words, mend }
    }

    /// It could not be tried, because of something that is told elsewhere.
    pub fn untried(what: &'static str, why: &str) -> Self {
        Self::warning(what, format!("not tried: {why}"), None)
    }
}

/// All of it, as people or programs read it.
pub fn shown(findings: &[Finding], format: Format) -> anyhow::Result<String> {
    match format {
        Format::Text => Ok(text(findings)),
        Format::Json => Ok(serde_json::to_string_pretty(&json!({
            "good": is_well(findings),
            "findings": findings,
        }))?),
    }
}

/// Whether nothing is to be mended.
pub fn is_well(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.verdict < Verdict::Mend)
}

fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { what, verdict, words, mend } in findings {
        let verdict = match verdict {
            Verdict::Good => "ok",
            Verdict::Warning => "warning",
            Verdict::Mend => "MEND",
        };
        let _ = writeln!(text, "{verdict:<8} {what:<9} {}", plain(words));
        if let Some(mend) = mend {
            let _ = writeln!(text, "{:18} -> {}", "", plain(mend));
        }
    }
    let count = |wanted| findings.iter().filter(|finding| finding.verdict == wanted).count();
    let (good, warnings) = (count(Verdict::Good), counted(count(Verdict::Warning), "warning"));
    let last = match count(Verdict::Mend) {
        0 => format!("\n{good} ok, {warnings}, nothing to mend"),
        mend => format!("\n{good} ok, {warnings}, {mend} to mend"),
    };
    text + &last
}

/// A terminal obeys control characters, and names in Slack may hold some.
fn plain(words: &str) -> String {
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_is_a_line_and_what_to_do_stands_below_it() {
        let findings = [
            Finding::good("disk", "60 GiB are free"),
            Finding::untried("people", "Slack is away"),
            Finding::mend(
                "channel",
                "#soc\x1b[2J: the bot is not in it",
                "type there: /invite @vigie",
            ),
        ];
        let told = shown(&findings, Format::Text).expect("told");
        assert_eq!(
            told,
            "ok       disk      60 GiB are free\n\
             warning  people    not tried: Slack is away\n\
             MEND     channel   #soc [2J: the bot is not in it\n                   -> type there: /invite @vigie\n\
             \n1 ok, 1 warning, 1 to mend"
        );
        assert!(is_well(&findings[..2]) && !is_well(&findings));
        let told = shown(&findings, Format::Json).expect("told");
        let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!((&told["good"], &told["findings"][0]["mend"]), (&json!(false), &json!(null)));
        assert_eq!(told["findings"][2]["verdict"], "mend");
    }
}
