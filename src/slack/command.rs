//! What a person typed after `/vigie`, as a verb.

use crate::domain::ids::AlertId;
use crate::domain::input::Verb;

/// The commands, as they are taught.
pub const COMMANDS: [&str; 5] = ["help", "list", "runs", "show", "coverage"];

/// Words that people try first, and the command that does it.
const MEANT: [(&str, &str); 12] = [
    ("?", "help"),
    ("commands", "help"),
    ("ls", "list"),
    ("open", "list"),
    ("alerts", "list"),
    ("playbooks", "runs"),
    ("approvals", "runs"),
    ("get", "show"),
    ("view", "show"),
    ("details", "show"),
    ("status", "coverage"),
    ("untreated", "coverage"),
];

/// So much of what was typed is kept; nobody types more by hand.
const KEPT: usize = 200;

/// Reads the text after `/vigie`. Case does not matter, and words after a command that takes none are let pass.
pub fn parse(text: &str) -> Verb {
    let said = text.trim();
    let mut words = said.split_whitespace();
    let first = words.next().unwrap_or("help").to_lowercase();
    let unknown = || Verb::Unknown {
        said: said.chars().take(KEPT).collect(),
        nearest: nearest(said).map(str::to_owned),
    };
    match first.as_str() {
        "help" => Verb::Help,
        "list" => Verb::List,
        "runs" => Verb::Runs,
        "coverage" => Verb::Coverage,
        "show" => match words.next().and_then(id) {
            Some(alert) => Verb::Show { alert },
            None => unknown(),
        },
        _ => unknown(),
    }
}

/// An alert's id as people paste it: any case, in backticks or quotes, with a comma behind, without its prefix.
fn id(word: &str) -> Option<AlertId> {
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let ulid = match bare.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("alr_") => &bare[4..],
        _ => bare,
    };
    AlertId::parse(&format!("alr_{ulid}"))
}

/// The command that was perhaps meant. For `show` without a good id that is `show` itself.
pub fn nearest(said: &str) -> Option<&'static str> {
    let first = said.split_whitespace().next()?.to_lowercase();
    if first.chars().count() > 20 {
        return None;
    }
    if let Some((_, command)) = MEANT.iter().find(|(word, _)| *word == first) {
        return Some(command);
    }
    let (distance, command) = COMMANDS
        .iter()
        .map(|command| (strsim::damerau_levenshtein(&first, command), *command))
        .min()?;
    // Up to a third of the letters may be wrong, and one in any case.
    (distance <= (command.len() / 3).max(1)).then_some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ULID: &str = "01JDGQ5R6ZK3V8W9XACEGHJKMN";

    fn unknown(said: &str) -> Verb {
        Verb::Unknown { said: said.to_owned(), nearest: nearest(said).map(str::to_owned) }
    }

    #[test]
    fn commands_are_read_in_any_case_and_nothing_means_help() {
        for (text, verb) in [
            ("", Verb::Help),
            ("  \n", Verb::Help),
            ("HELP me", Verb::Help),
            (" List ", Verb::List),
            ("runs", Verb::Runs),
            ("coverage", Verb::Coverage),
            ("lsit", unknown("lsit")),
            (" isolate  host ", unknown("isolate  host")),
        ] {
            assert_eq!(parse(text), verb, "{text:?}");
        }
    }

    #[test]
    fn an_id_is_taken_as_people_paste_it() {
        let alert = AlertId::parse(&format!("alr_{ULID}")).expect("a good id");
        let lower = ULID.to_lowercase();
        for written in [
            format!("show alr_{ULID}"),
            format!("SHOW ALR_{lower}"),
            format!("show `alr_{ULID}`"),
            format!("show {ULID}, please"),
        ] {
            assert_eq!(parse(&written), Verb::Show { alert: alert.clone() }, "{written}");
        }
        for written in ["show", "show alr_1", "show <@U0ALICE>", "show é", "show alré"] {
            assert_eq!(parse(written), unknown(written), "{written}");
            assert_eq!(nearest(written), Some("show"));
        }
    }

    #[test]
    fn the_nearest_command_is_near() {
        for (said, meant) in [
            ("lsit", Some("list")),
            ("hlep", Some("help")),
            ("Converage now", Some("coverage")),
            ("ls", Some("list")),
            ("rusn", Some("runs")),
            ("approvals", Some("runs")),
            ("?", Some("help")),
            ("isolate", None),
            ("", None),
            ("ééééé", None),
        ] {
            assert_eq!(nearest(said), meant, "{said:?}");
        }
        assert_eq!(nearest(&"x".repeat(100_000)), None);
    }

    #[test]
    fn a_long_text_is_kept_in_part() {
        let Verb::Unknown { said, .. } = parse(&"é".repeat(100_000)) else {
            panic!("not a command")
        };
        assert_eq!(said.chars().count(), KEPT);
    }
}
