//! The keys of a playbook, each with what it takes and what it is for. The check, the schema and the docs are made from them.

use crate::yaml::fields::{Shape, key};

pub(super) const PLAYBOOK: Shape = Shape {
    name: "a playbook",
    keys: &[
        key("title", "text", "", "What it does, in a few words: it stands on the button. Wanted."),
        key("description", "text", "none", "More of it, for whoever looks through the list."),
        key(
            "on",
            "`button` or `alert`",
            "`button`",
            "What starts it: somebody's click, or each new alert that fits.",
        ),
        key(
            "when",
            "expression",
            "every alert",
            "For which alerts it is offered, or runs. It sees `alert` and `source`.",
        ),
        key("who", "role or roles", "any role that may `run`", "Who may run it."),
        key(
            "approve",
            "map",
            "none",
            "Whose word it takes before anything is done. A playbook that does something destructive should have it.",
        ),
        key(
            "ask",
            "map by name",
            "none",
            "What is asked of who starts it. An answer is `ask.NAME`.",
        ),
        key("steps", "list of steps", "", "What is done, one after the other. Wanted."),
        key(
            "on_failure",
            "list of steps",
            "none",
            "Done once after a step has failed. These see `error.message` and `error.step`.",
        ),
        key("always", "list of steps", "none", "Done at the end, whatever came of it."),
    ],
    later: &[],
};

pub(super) const APPROVE: Shape = Shape {
    name: "`approve`",
    keys: &[
        key("by", "role", "", "Who may approve. Never who asked for it. Wanted."),
        key("quorum", "whole number", "`1`", "How many of them it takes."),
        key("within", "duration", "`15m`", "After so long without them it is refused."),
    ],
    later: &[],
};

pub(super) const ASK: Shape = Shape {
    name: "a question",
    keys: &[
        key("text", "label", "", "A line of text."),
        key(
            "choose",
            "expression or list",
            "",
            "One of a list: `alert.hosts`, or words as written.",
        ),
        key("person", "label", "", "Somebody in Slack; the answer is their id."),
        key("number", "label", "", "A number."),
        key("confirm", "label", "", "A box to tick: the answer is true or false."),
        key(
            "label",
            "text",
            "the name",
            "What stands over the field; the other ways of asking have it as their value.",
        ),
        key(
            "required",
            "flag",
            "`true` for `choose`, else `false`",
            "Whether it starts without an answer.",
        ),
        key("multiline", "flag", "`false`", "For `text`: several lines."),
    ],
    later: &[],
};

pub(super) const STEP: Shape = Shape {
    name: "a step",
    keys: &[
        key("id", "name", "`step1`, `step2` …", "What later steps call it: `steps.ID`."),
        key(
            "uses",
            "`tool.action`",
            "",
            "The action of a tool that it calls: `crowdstrike.contain`.",
        ),
        key("with", "map by input", "none", "What the action is given."),
        key(
            "expect",
            "`one`, `some` or `any`",
            "`one`",
            "How many things an action that finds must find; else the run stops and asks.",
        ),
        key("retry", "map", "never", "How often it is tried again where it did not happen."),
        key("timeout", "duration", "`30s`", "How long one attempt may take."),
        key("say", "text", "", "Writes a line in the alert's thread."),
        key("alert", "map", "", "Changes the alert."),
        key("when", "expression", "always", "Whether it is done. What is missing is false."),
        key("for_each", "expression", "once", "A list: it is done for each, as `item`."),
        key(
            "let",
            "map by name",
            "none",
            "Names for values, which this step and the later ones see.",
        ),
        key("on_error", "`stop` or `continue`", "`stop`", "What its failure means for the run."),
    ],
    later: &[],
};

pub(super) const RETRY: Shape = Shape {
    name: "`retry`",
    keys: &[
        key("times", "whole number", "", "How often, beside the first try; at most 10. Wanted."),
        key("wait", "duration", "`1s`", "The first pause; each further one is twice as long."),
    ],
    later: &[],
};

pub(super) const CHANGE: Shape = Shape {
    name: "`alert`",
    keys: &[
        key(
            "severity",
            "severity",
            "as it is",
            "How bad it is now: `critical`, `high`, `medium`, `low` or `info`.",
        ),
        key(
            "assign",
            "person",
            "nobody",
            "Whom it is given to: a Slack id, an e-mail address or a handle.",
        ),
        key("resolve", "map", "not", "Ends it."),
        key(
            "hosts",
            "value",
            "",
            "Hosts that are added to it: one, or a list; the other kinds likewise.",
        ),
        key("users", "value", "", "Users that are added."),
        key("ips", "value", "", "IP addresses that are added."),
        key("domains", "value", "", "Domains that are added."),
        key("urls", "value", "", "Addresses that are added."),
        key("hashes", "value", "", "Hashes that are added."),
        key("emails", "value", "", "E-mail addresses that are added."),
        key("resources", "value", "", "Cloud resources that are added."),
        key("repositories", "value", "", "Repositories that are added."),
    ],
    later: &[],
};

pub(super) const RESOLVE: Shape = Shape {
    name: "`resolve`",
    keys: &[
        key(
            "disposition",
            "disposition",
            "",
            "What it turned out to be: `true_positive`, `false_positive`, `benign_true_positive`, `duplicate` or `test`. Wanted.",
        ),
        key("note", "text", "none", "Why, for the record."),
    ],
    later: &[],
};

/// Each map of a playbook: where it stands, and its keys.
pub(super) const ALL: [(&str, Shape); 7] = [
    ("playbook", PLAYBOOK),
    ("approve", APPROVE),
    ("ask.NAME", ASK),
    ("steps[]", STEP),
    ("steps[].retry", RETRY),
    ("steps[].alert", CHANGE),
    ("steps[].alert.resolve", RESOLVE),
];

/// Each map with its keys as a table in Markdown, as `docs/playbooks.md` has them.
pub fn reference() -> Vec<(&'static str, String)> {
    ALL.iter().map(|(place, shape)| (*place, shape.table())).collect()
}
