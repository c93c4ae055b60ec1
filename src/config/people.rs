//! `roles` and `teams`: who may do what, and who answers for alerts together.

use super::whom::{self, Known};
use crate::domain::alert::Severity;
use crate::domain::ids::{RoleName, TeamName};
use crate::domain::people::UserRef;
use crate::domain::policy::{Permission, Role, Team, Treated, Whom};
use crate::yaml::fields::{Fields, Shape, duration, flag, key, named, several, text, word};
use crate::yaml::problem::Report;
use crate::yaml::{Node, What};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const ROLE: Shape = Shape {
    name: "a role",
    keys: &[
        key(
            "users",
            "people",
            "",
            "People who hold the role; and accounts of the machine that may reach its control socket (`\"os:root\"`, and the one that it runs as), for `vigie ack`, \
             `vigie resolve` and `vigie playbook`. One who is called like such an account in Slack, by handle or by what stands before the `@` of the address, is the \
             same person to an approval.",
        ),
        key(
            "usergroups",
            "user groups",
            "",
            "Slack user groups whose members hold it. Where Slack cannot tell who is in one, it gives nobody the role.",
        ),
        key(
            "may",
            "words",
            "by its name, below",
            "`see`, `acknowledge`, `assign`, `resolve`, `reopen`, or `all`.",
        ),
    ],
    later: &[],
};
pub(super) const TEAM: Shape = Shape {
    name: "a team",
    keys: &[
        key(
            "members",
            "whom",
            "who holds `analyst`, else who may acknowledge",
            "Who answers for its alerts.",
        ),
        key(
            "lead",
            "whom",
            "who holds `lead`, else the team",
            "Who hears of what the team leaves.",
        ),
        key("on_call", "whom", "the team", "Who is told first."),
        key(
            "treated",
            "map",
            "`acknowledged: true`",
            "When an alert of this team counts as treated.",
        ),
    ],
    later: &["calendar"],
};
pub(super) const TREATED: Shape = Shape {
    name: "`treated`",
    keys: &[
        key("acknowledged", "`true` or `false`", "`true`", "Somebody acknowledged or resolved it."),
        key("disposition", "`true` or `false`", "`false`", "It was resolved, and as what."),
        key("note", "severities", "none", "Severities that want a note when they are resolved."),
        key("within", "duration", "any time", "How soon it must first be acknowledged."),
    ],
    later: &[],
};
const ALL: &str = "all";

/// Reads `roles`, which has no default: nobody may do anything unless the file says so.
pub(super) fn roles(node: &Node, report: &mut Report) -> BTreeMap<RoleName, Role> {
    let mut roles = BTreeMap::new();
    for (key, node) in named(node, "roles", report) {
        let Some(fields) = Fields::read(node, ROLE, report) else { continue };
        let name = key.text.as_str();
        let may = match (fields.get("may"), built_in(name)) {
            (Some(node), _) => permissions(node, report),
            (None, Some(may)) => may.iter().copied().collect(),
            (None, None) => {
                let message = format!("the role `{name}` must say what it may do");
                let hint = "only `analyst`, `lead` and `auditor` have a built-in meaning: add may: [see, acknowledge, …]";
                report.wrong(key.at, message, hint.to_owned());
                BTreeSet::new()
            }
        };
        let holders = refs(fields.get("users"), "users", holder, report);
        let (mut users, mut os) = (Vec::new(), BTreeSet::new());
        for holder in holders {
            match holder {
                Holder::Person(user) => users.push(user),
                Holder::Os(name) => drop(os.insert(name)),
            }
        }
        let usergroups = refs(fields.get("usergroups"), "usergroups", whom::usergroup, report);
        let role = Role { users, usergroups, os, may };
        if role.holders().is_empty() {
            report.warn(key.at, format!("nobody holds the role `{name}`"), None);
        }
        roles.insert(RoleName::from(name), role);
    }
    let acknowledges = |role: &Role| role.may.contains(&Permission::Acknowledge);
    if !roles.is_empty() && !roles.values().any(acknowledges) {
        report.warn(node.at, "no role may acknowledge alerts", None);
    }
    roles
}

/// Whom a role may list.
enum Holder {
    Person(UserRef),
    /// An account of the machine that Vigie runs on.
    Os(String),
}

/// `os:root`, or a person.
fn holder(text: &str) -> Result<Holder, String> {
    let Some(name) = text.strip_prefix("os:") else {
        return match text.trim_start_matches('@').to_lowercase().starts_with("os:") {
            true => Err(format!("`{text}`: an account of this machine is written os:NAME")),
            false => whom::user(text).map(Holder::Person),
        };
    };
    let good = |c: char| c.is_ascii_alphanumeric() || "._-$@\\".contains(c);
    match !name.is_empty() && name.chars().all(good) {
        true => Ok(Holder::Os(name.to_owned())),
        false => {
            Err(format!("`{text}`: after `os:` stands the name of an account of this machine"))
        }
    }
}

/// What the roles of these names may do where the file does not say.
fn built_in(name: &str) -> Option<&'static [Permission]> {
    match name {
        "analyst" | "lead" => Some(&Permission::ALL),
        "auditor" => Some(&[Permission::See]),
        _ => None,
    }
}

fn permissions(node: &Node, report: &mut Report) -> BTreeSet<Permission> {
    let mut right: Vec<_> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
    right.push(ALL);
    let said: Vec<_> =
        several(node).into_iter().filter_map(|one| word(one, "may", &right, report)).collect();
    Permission::ALL
        .into_iter()
        .filter(|permission| said.contains(&permission.as_str()) || said.contains(&ALL))
        .collect()
}

fn refs<T>(
    node: Option<&Node>,
    name: &str,
    parse: impl Fn(&str) -> Result<T, String>,
    report: &mut Report,
) -> Vec<T> {
    let mut found = Vec::new();
    for one in node.map(several).unwrap_or_default() {
        match text(one, name, report).map(&parse) {
            Some(Ok(reference)) => found.push(reference),
            Some(Err(why)) => report.wrong(one.at, why, None),
            None => {}
        }
    }
    found
}

/// Reads `teams`. `schedules` stands beside it: until they turn, a schedule means its first member.
pub(super) fn teams(
    node: &Node,
    schedules: Option<&Node>,
    known: Known<'_>,
    report: &mut Report,
) -> BTreeMap<TeamName, Team> {
    let mut teams = BTreeMap::new();
    for (key, node) in named(node, "teams", report) {
        let Some(fields) = Fields::read(node, TEAM, report) else { continue };
        let mut people = |name: &str, parts| {
            fields
                .get(name)
                .map(|node| whom::read(node, name, (parts, known), report))
                .unwrap_or_default()
        };
        let members = people("members", whom::OF_A_TEAM);
        let lead = people("lead", whom::LEADING);
        let on_call = on_call(&fields, schedules, known, report);
        let treated = treated(fields.get("treated"), report);
        teams.insert(TeamName::from(key.text.as_str()), Team { members, lead, on_call, treated });
    }
    teams
}

fn on_call(
    fields: &Fields<'_>,
    schedules: Option<&Node>,
    known: Known<'_>,
    report: &mut Report,
) -> Vec<Whom> {
    let Some(node) = fields.get("on_call") else { return Vec::new() };
    if let What::Text(name) = &node.what
        && let Some(schedule) = schedules.and_then(|schedules| schedules.get(name))
    {
        let message = format!("schedules do not turn yet: `{name}` means its first member for now");
        report.warn(
            node.at,
            message,
            "to be sure, name people: on_call: alice@example.com".to_owned(),
        );
        let first = schedule.get("members").and_then(|members| several(members).into_iter().next());
        if first.is_none() {
            report.wrong(node.at, format!("the schedule `{name}` has no `members`"), None);
        }
        let parts = (whom::OF_A_TEAM, known);
        return first.map(|one| whom::read(one, "members", parts, report)).unwrap_or_default();
    }
    whom::read(node, "on_call", (whom::ON_CALL, known), report)
}

fn treated(node: Option<&Node>, report: &mut Report) -> Treated {
    let mut treated = Treated::default();
    let Some(fields) = node.and_then(|node| Fields::read(node, TREATED, report)) else {
        return treated;
    };
    if let Some(node) = fields.get("acknowledged") {
        treated.acknowledged = flag(node, "acknowledged", report).unwrap_or(true);
    }
    if let Some(node) = fields.get("disposition") {
        treated.disposition = flag(node, "disposition", report).unwrap_or(false);
    }
    let right: Vec<_> = Severity::ALL.iter().map(|severity| severity.as_str()).collect();
    let noted = fields.get("note").map(several).unwrap_or_default();
    treated.note = noted
        .into_iter()
        .filter_map(|one| word(one, "note", &right, report).and_then(Severity::parse))
        .collect();
    treated.within = fields.get("within").and_then(|node| duration(node, "within", report));
    treated
}
