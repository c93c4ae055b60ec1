//! The people and user groups that the config names: who they are, whether they can act and be told, and who is nobody.

use super::finding::Finding;
use super::scopes::holds;
use super::slack::Bot;
use crate::cli::check::counted;
use crate::domain::alert::audience::{Around, meant};
use crate::domain::event::Way;
use crate::domain::people::{Directory, Membership, UserRef, UsergroupRef};
use crate::domain::policy::{Context, Route, Whom};
use crate::slack::api::Api;
use crate::slack::directory::Wanted;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PERSON: &str = "people";
const GROUP: &str = "groups";
const ROLE: &str = "roles";

/// Looks at whom the config names. The directory holds what Slack told of them.
pub async fn look(
    (api, bot): (&Api, &Bot),
    context: &Context<'_>,
    wanted: &Wanted,
) -> Vec<Finding> {
    let may = |scope: &str| holds(bot.scopes.as_ref(), scope);
    if !may("users:read") {
        return vec![Finding::untried(PERSON, "the scope users:read is missing")];
    }
    let mut findings = people(context.directory, &wanted.users, may("users:read.email"));
    if may("usergroups:read") {
        let unknown =
            |group: &&UsergroupRef| *context.directory.members(group) == Membership::Unknown;
        let disabled = match wanted.groups.iter().any(|group| unknown(&group)) {
            true => disabled(api).await,
            false => BTreeSet::new(),
        };
        findings.extend(groups(context.directory, &wanted.groups, &disabled));
    } else if !wanted.groups.is_empty() {
        findings.push(Finding::untried(GROUP, "the scope usergroups:read is missing"));
    }
    findings.extend(nobodies(context));
    findings
}

fn people(directory: &Directory, written: &BTreeSet<UserRef>, by_address: bool) -> Vec<Finding> {
    let (seen, unseen): (Vec<_>, Vec<_>) =
        written.iter().partition(|user| by_address || !user.is_email());
    let mut findings: Vec<Finding> =
        seen.iter().filter_map(|user| trouble(directory, user)).collect();
    let good = seen.len() - findings.len();
    if good > 0 {
        findings.push(Finding::good(
            PERSON,
            format!("{good} named in the config: there, and full members"),
        ));
    }
    if !unseen.is_empty() {
        findings.push(Finding::untried(PERSON, "e-mail addresses need the scope users:read.email"));
    }
    findings
}

/// Why somebody whom the config names can neither act nor be told.
fn trouble(directory: &Directory, written: &UserRef) -> Option<Finding> {
    let name = &written.0;
    let by_id =
        "write the Slack id of the one you mean (their profile, the three dots, Copy member ID)";
    let wrong = |words: String, mend: &str| Some(Finding::mend(PERSON, words, mend));
    let anybody = || directory.people.values().find(|person| written.names(person));
    let known = directory.user(written).and_then(|id| directory.people.get(&id)).or_else(|| {
        // A handle means full members only: whoever else bears it is told for what they are.
        directory.meant(written).next().is_none().then(anybody).flatten()
    });
    match known {
        Some(person) if person.deactivated => {
            wrong(format!("{name} is deactivated"), "take them out of the config")
        }
        Some(person) if person.bot => wrong(format!("{name} is a bot"), "name a person"),
        Some(person) if person.guest => wrong(
            format!("{name} is a guest or of another organisation: they act on nothing"),
            "name a full member of your workspace",
        ),
        Some(person)
            if directory.enterprise.is_none()
                && person.workspace.is_some()
                && person.workspace != directory.workspace =>
        {
            wrong(
                format!("{name} is of another workspace: they act on nothing"),
                "name one of yours",
            )
        }
        Some(_) => None,
        None if directory.meant(written).nth(1).is_some() => {
            wrong(format!("{name} means several people, and so nobody"), by_id)
        }
        None if written.is_email() => wrong(
            format!("{name}: nobody active has that e-mail address in Slack"),
            "correct it; it must be the address of their Slack account",
        ),
        None => wrong(format!("{name}: Slack knows nobody of that name"), by_id),
    }
}

/// The handles and ids of user groups that are switched off.
async fn disabled(api: &Api) -> BTreeSet<String> {
    let Ok(answer) = api.call("usergroups.list", &json!({"include_disabled": true})).await else {
        return BTreeSet::new();
    };
    let all = answer.get("usergroups").and_then(Value::as_array).into_iter().flatten();
    let gone = |group: &&Value| group["date_delete"].as_i64().is_some_and(|at| at > 0);
    let names =
        |group: &Value| ["id", "handle"].map(|field| group[field].as_str().map(str::to_owned));
    all.filter(gone).flat_map(names).flatten().collect()
}

fn groups(
    directory: &Directory,
    written: &BTreeSet<UsergroupRef>,
    disabled: &BTreeSet<String>,
) -> Vec<Finding> {
    let one = |group: &UsergroupRef| {
        let name = &group.0;
        match directory.members(group) {
            Membership::Known(members) if members.is_empty() => {
                Finding::mend(GROUP, format!("nobody is in {name}"), "add people to it in Slack")
            }
            Membership::Known(members) => {
                Finding::good(GROUP, format!("{name} has {}", counted(members.len(), "member")))
            }
            Membership::Unknown if disabled.contains(name.trim_start_matches('@')) => {
                Finding::mend(
                    GROUP,
                    format!("{name} is disabled"),
                    "enable it in Slack (People, User groups), or name another",
                )
            }
            Membership::Unknown => Finding::mend(
                GROUP,
                format!("{name}: Slack tells of no such user group"),
                "correct its handle, or write its id (S…)",
            ),
        }
    };
    written.iter().map(one).collect()
}

/// Roles that nobody holds, leads that are nobody, and steps of a ladder that would tell nobody.
fn nobodies(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let policy = context.policy;
    let nobody = |around: &Around<'_>, whom: &[Whom]| {
        let mut people = meant(context, around, whom).people.into_iter();
        !people.any(|user| context.directory.people.contains_key(&user))
    };
    for name in policy.roles.keys() {
        if nobody(&Around::default(), &[Whom::Role(name.clone())]) {
            let mend = format!("name somebody: roles: {name}: users: [their e-mail]");
            findings.push(Finding::mend(ROLE, format!("nobody holds the role {name}"), mend));
        }
    }
    for (name, team) in &policy.teams {
        let around = Around { team: Some(team), assignee: None };
        for (part, whom) in
            [("lead", Whom::Lead), ("on_call", Whom::OnCall), ("members", Whom::Team)]
        {
            if nobody(&around, &[whom]) {
                let mend = format!("name somebody: teams: {name}: {part}");
                findings.push(Finding::mend(
                    ROLE,
                    format!("{part} of the team {name} means nobody"),
                    mend,
                ));
            }
        }
    }
    let has_lead = policy.roles.contains_key(&"lead".into());
    if !has_lead && nobody(&Around::default(), &[Whom::Lead]) {
        let words = "nobody is the lead: what nobody acknowledges ends there, unheard";
        let mend = "name somebody: roles: lead: users: [their e-mail]";
        findings.push(Finding::mend(ROLE, words, mend));
    }
    // What a role or a team spoils is told there, once.
    if findings.is_empty() {
        findings.extend(policy.routes.iter().flat_map(|route| silent(context, route, &nobody)));
    }
    findings
}

/// The rungs of a route's ladder that would tell nobody.
fn silent(
    context: &Context<'_>,
    route: &Route,
    nobody: &dyn Fn(&Around<'_>, &[Whom]) -> bool,
) -> Vec<Finding> {
    let team = route.team.as_ref().and_then(|name| context.policy.teams.get(name));
    let around = Around { team, assignee: None };
    let Some(ladder) = context.policy.escalations.get(&route.escalation) else { return Vec::new() };
    let to_people = ladder.rungs.iter().filter(|rung| !matches!(rung.how, Way::Channel(_)));
    to_people
        // Who the assignee is, each alert says; who is available, each hour.
        .filter(|rung| !rung.whom.contains(&Whom::Assignee) && nobody(&around, &rung.whom))
        .map(|rung| {
            let words = format!(
                "route {}: after {} s the ladder {} means nobody",
                route.name,
                rung.after.as_secs(),
                route.escalation
            );
            let mend = format!("name somebody who is there: escalations: {}", route.escalation);
            Finding::mend(ROLE, words, mend)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::people::Person;

    fn directory() -> Directory {
        let person = |name: &str| Person {
            name: name.to_owned(),
            email: Some(format!("{name}@example.com")),
            workspace: Some("T1".into()),
            ..Person::default()
        };
        let people = [
            ("U01", person("alice")),
            ("U02", Person { guest: true, ..person("greta") }),
            ("U03", Person { deactivated: true, ..person("dora") }),
            ("U04", Person { bot: true, ..person("robot") }),
            ("U05", person("sam")),
            ("U06", Person { email: None, ..person("sam") }),
            ("U07", Person { workspace: Some("T2".into()), ..person("fred") }),
        ];
        Directory {
            workspace: Some("T1".into()),
            people: people.map(|(id, person)| (id.into(), person)).into(),
            groups: [
                ("S01".into(), Membership::Known(["U01".into()].into())),
                ("S02".into(), Membership::Known(BTreeSet::new())),
            ]
            .into(),
            group_names: [("blue".to_owned(), "S01".into()), ("empty".to_owned(), "S02".into())]
                .into(),
            ..Directory::default()
        }
    }

    #[test]
    fn whoever_cannot_act_is_told_for_what_they_are() {
        let directory = directory();
        for (written, words) in [
            ("@alice", None),
            ("alice@example.com", None),
            ("U01", None),
            ("@greta", Some("is a guest")),
            ("greta@example.com", Some("is a guest")),
            ("U02", Some("is a guest")),
            ("@dora", Some("is deactivated")),
            ("U03", Some("is deactivated")),
            ("@robot", Some("is a bot")),
            ("fred@example.com", Some("is of another workspace")),
            ("@sam", Some("means several people")),
            ("@nobody", Some("Slack knows nobody")),
            ("U99", Some("Slack knows nobody")),
            ("nobody@example.com", Some("nobody active has that e-mail")),
        ] {
            let said = trouble(&directory, &UserRef(written.to_owned())).map(|f| f.words);
            match (said, words) {
                (None, None) => {}
                (Some(said), Some(words)) => assert!(said.contains(words), "{written}: {said}"),
                (said, words) => panic!("{written}: {said:?}, wanted {words:?}"),
            }
        }
    }

    #[test]
    fn addresses_are_not_judged_where_slack_does_not_tell_them() {
        let written = [UserRef("nobody@example.com".to_owned())].into();
        let findings = people(&directory(), &written, false);
        assert!(findings[0].words.contains("need the scope users:read.email"), "{findings:?}");
        assert_eq!(findings.len(), 1);
    }

    #[test]
    fn a_group_is_there_with_somebody_in_it() {
        let written = ["@blue", "@empty", "@old", "@none"];
        let written = written.map(|handle| UsergroupRef(handle.to_owned())).into();
        let disabled = ["old".to_owned()].into();
        let told: Vec<_> =
            groups(&directory(), &written, &disabled).into_iter().map(|f| f.words).collect();
        assert_eq!(
            told,
            [
                "@blue has 1 member",
                "nobody is in @empty",
                "@none: Slack tells of no such user group",
                "@old is disabled",
            ]
        );
    }
}
