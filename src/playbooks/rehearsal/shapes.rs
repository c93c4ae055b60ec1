//! The keys of a test file, each with what it takes and what it is for. The check, the schema and the docs are made from them.

use crate::yaml::fields::{Shape, key};

pub(super) const CASE: Shape = Shape {
    name: "a case",
    keys: &[
        key("name", "text", "", "What it shows. Wanted."),
        key(
            "alert",
            "map",
            "an alert that says nothing",
            "The alert, in the names it has everywhere.",
        ),
        key("source", "name", "`test`", "The name of its source."),
        key("ask", "map by name", "none", "The answers to what the playbook asks."),
        key(
            "answers",
            "list of answers",
            "none",
            "What the tools answer, in the order in which they are called. A call without one is a mistake, and so is one that nobody calls for.",
        ),
        key(
            "decide",
            "list of words",
            "none",
            "What somebody says where the run asks, in that order.",
        ),
        key("says", "list of texts", "not looked at", "Every line that it says, in order."),
        key(
            "ends",
            "`done`, `failed`, `refused`, `cancelled` or `in_doubt`",
            "",
            "How it ends; `in_doubt` where it goes on asking. Wanted.",
        ),
        key("because", "text", "not looked at", "A part of why it failed or was refused."),
    ],
    later: &[],
};

pub(super) const ANSWER: Shape = Shape {
    name: "an answer",
    keys: &[
        key("uses", "`tool.action`", "", "The action that is called. Wanted."),
        key(
            "with",
            "map by input",
            "not looked at",
            "What it is called with; an input that is not named is not looked at.",
        ),
        key("out", "map by output", "", "It was done, and gave this."),
        key("found", "list of maps", "", "It found these; `[]` is nothing."),
        key("already", "`true`", "", "It was so before."),
        key("fails", "map", "", "It was not done."),
        key(
            "unsure",
            "`timed_out`, `broken`, `server_error` or `crashed`",
            "",
            "It may or may not have been done.",
        ),
    ],
    later: &[],
};

pub(super) const FAILS: Shape = Shape {
    name: "`fails`",
    keys: &[
        key(
            "why",
            "word",
            "",
            "`not_sent`, `egress`, `limited`, `unauthorised`, `refused`, `unreadable` or `broken`. Wanted.",
        ),
        key("message", "text", "`the tool said no`", "What the tool said."),
    ],
    later: &[],
};

pub(super) const WORD: Shape = Shape {
    name: "a word",
    keys: &[
        key("step", "step", "", "The step that is asked about. Wanted."),
        key(
            "choice",
            "`happened`, `again`, `abandon`, `check` or `take=1`, `take=2` …",
            "",
            "What is to come of it. Wanted.",
        ),
    ],
    later: &[],
};

/// Each map of a test file: where it stands, and its keys.
pub(super) const ALL: [(&str, Shape); 4] =
    [("case", CASE), ("answers[]", ANSWER), ("answers[].fails", FAILS), ("decide[]", WORD)];

/// Each map with its keys as a table in Markdown, as `docs/playbooks.md` has them.
pub fn reference() -> Vec<(&'static str, String)> {
    ALL.iter().map(|(place, shape)| (*place, shape.table())).collect()
}
