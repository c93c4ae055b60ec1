//! Who is meant, as the file says it: `role(analyst)`, `on_call`, `alice@example.com`, `@alice`, `U0ALICE`.

use crate::domain::people::{ChannelRef, UserRef, UsergroupRef};
use crate::domain::policy::Whom;
use crate::yaml::Node;
use crate::yaml::fields::{several, text};
use crate::yaml::problem::{Report, suggest};

/// The words that name someone by their part in the matter.
const PARTS: [&str; 5] = ["on_call", "team", "team.available", "lead", "assignee"];

/// Which of those words mean something where the expression stands.
pub(super) const ANYBODY: &[&str] = &PARTS;
/// In a team, `team` and `lead` are what is being said.
pub(super) const OF_A_TEAM: &[&str] = &[];
pub(super) const LEADING: &[&str] = &["team", "team.available"];
pub(super) const ON_CALL: &[&str] = &["team", "team.available", "lead"];

/// What expressions may refer to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub roles: &'a [&'a str],
    pub teams: &'a [&'a str],
    pub escalations: &'a [&'a str],
}

/// One or a list of people.
pub(super) fn read(
    node: &Node,
    name: &str,
    (parts, known): (&[&str], Known<'_>),
    report: &mut Report,
) -> Vec<Whom> {
    let mut found: Vec<Whom> = Vec::new();
    for one in several(node) {
        let Some(said) = text(one, name, report) else { continue };
        match parse(said, parts, known) {
            Ok(whom) if !found.contains(&whom) => found.push(whom),
            Ok(_) => {}
            Err((message, hint)) => report.wrong(one.at, message, hint),
        }
    }
    found
}

type Wrong = (String, Option<String>);

fn parse(said: &str, parts: &[&str], known: Known<'_>) -> Result<Whom, Wrong> {
    if let Some((kind, inner)) = said.split_once('(') {
        return call(said, kind.trim(), inner.trim_end(), known);
    }
    if PARTS.contains(&said) && !parts.contains(&said) {
        return Err((format!("`{said}` says nothing here: name people, a group or a role"), None));
    }
    match said {
        "on_call" => Ok(Whom::OnCall),
        "team" => Ok(Whom::Team),
        "team.available" => Ok(Whom::TeamAvailable),
        "lead" => Ok(Whom::Lead),
        "assignee" => Ok(Whom::Assignee),
        _ if is_id(said, &['S']) => Ok(Whom::Usergroup(UsergroupRef(said.into()))),
        _ if is_id(said, &['U', 'W']) || said.contains('@') => {
            user(said).map(Whom::User).map_err(|message| (message, None))
        }
        _ => Err(unknown(said, parts, known)),
    }
}

fn unknown(said: &str, parts: &[&str], known: Known<'_>) -> Wrong {
    let message = format!("`{said}` names nobody");
    if known.roles.contains(&said) {
        return (message, Some(format!("for the role write `role({said})`")));
    }
    let near = crate::yaml::nearest(said, parts.iter().copied());
    let hint = near.map_or_else(
        || format!("a person is an e-mail address, `@{said}` or a Slack id; else role(…) or usergroup(…)"),
        |near| format!("did you mean `{near}`?"),
    );
    (message, Some(hint))
}

fn call(said: &str, kind: &str, inner: &str, known: Known<'_>) -> Result<Whom, Wrong> {
    let Some(inner) = inner.strip_suffix(')').map(str::trim).filter(|text| !text.is_empty()) else {
        return Err((format!("`{said}` does not end: write it like role(analyst)"), None));
    };
    match kind {
        "role" if known.roles.contains(&inner) => Ok(Whom::Role(inner.into())),
        "role" => Err((format!("there is no role `{inner}`"), suggest(inner, known.roles))),
        "usergroup" => usergroup(inner).map(Whom::Usergroup).map_err(|message| (message, None)),
        "user" => user(inner).map(Whom::User).map_err(|message| (message, None)),
        _ => Err((
            format!("`{kind}(…)` names nobody"),
            suggest(kind, &["role", "usergroup", "user"]),
        )),
    }
}

/// A person: an id, an e-mail address, a handle or a name.
pub(super) fn user(said: &str) -> Result<UserRef, String> {
    if is_id(said, &['S']) {
        return Err(format!("`{said}` is a user group, not a person"));
    }
    if is_id(said, &['C', 'G']) || said.starts_with('#') {
        return Err(format!("`{said}` is a channel, not a person"));
    }
    if said.contains(char::is_whitespace) || said.trim_start_matches('@').is_empty() {
        return Err(format!(
            "`{said}` is no person: write an e-mail address, a handle or a Slack id"
        ));
    }
    Ok(UserRef(said.to_owned()))
}

/// A user group: an id or a handle.
pub(super) fn usergroup(said: &str) -> Result<UsergroupRef, String> {
    let handle = said.trim_start_matches('@');
    if is_id(said, &['U', 'W']) || handle.contains('@') {
        return Err(format!("`{said}` is a person, not a user group"));
    }
    if said.contains(char::is_whitespace) || handle.is_empty() || said.starts_with('#') {
        return Err(format!("`{said}` is no user group: write its handle, @blue-team, or its id"));
    }
    Ok(UsergroupRef(said.to_owned()))
}

/// A channel: `#name`, a bare name or an id.
pub(super) fn channel(said: &str) -> Result<ChannelRef, String> {
    let name = said.trim_start_matches('#');
    let fits = |c: char| c.is_lowercase() || c.is_numeric() || "-_".contains(c) || !c.is_ascii();
    if is_id(said, &['C', 'G', 'D']) {
        return Ok(ChannelRef(said.to_owned()));
    }
    if said.starts_with('@') || is_id(said, &['U', 'W']) {
        return Err(format!("`{said}` is a person, not a channel"));
    }
    if name.is_empty() || name.chars().count() > 80 || !name.chars().all(fits) {
        return Err(format!(
            "`{said}` is no channel: write \"#name\" as Slack shows it, or its id"
        ));
    }
    Ok(ChannelRef(format!("#{name}")))
}

fn is_id(text: &str, prefixes: &[char]) -> bool {
    text.len() >= 3
        && text.starts_with(prefixes)
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_can_be_meant_is_read() {
        let known = Known { roles: &["analyst"], teams: &[], escalations: &[] };
        let read = |said| parse(said, ANYBODY, known);
        assert_eq!(read("role(analyst)"), Ok(Whom::Role("analyst".into())));
        assert_eq!(read("usergroup(@blue)"), Ok(Whom::Usergroup(UsergroupRef("@blue".into()))));
        assert_eq!(read("S0BLUE1"), Ok(Whom::Usergroup(UsergroupRef("S0BLUE1".into()))));
        assert_eq!(read("user(U0ALICE)"), Ok(Whom::User(UserRef("U0ALICE".into()))));
        assert_eq!(read("alice@example.com"), Ok(Whom::User(UserRef("alice@example.com".into()))));
        assert_eq!(read("team.available"), Ok(Whom::TeamAvailable));
        for wrong in ["role(", "role()", "role(lead)", "leed", "group(S0)", "user(S0BLUE1)"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(parse("team", OF_A_TEAM, known).is_err());
    }

    #[test]
    fn channels_are_names_or_ids() {
        assert_eq!(channel("#soc-alerts"), Ok(ChannelRef("#soc-alerts".into())));
        assert_eq!(channel("soc-alerts"), Ok(ChannelRef("#soc-alerts".into())));
        assert_eq!(channel("C0SOC123"), Ok(ChannelRef("C0SOC123".into())));
        for wrong in ["#", "#So c", "@alice", "U0ALICE", "#SOC"] {
            assert!(channel(wrong).is_err(), "{wrong}");
        }
    }
}
