//! May they? The one gate: what a person does to an alert reaches `decide` only as `Authorised<T>`.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::ids::{EnterpriseId, RoleName, UserId, WorkspaceId};
use crate::domain::input::{Clicker, Who};
use crate::domain::people::{Actor, Directory, Person, Roles, UsergroupRef};
use crate::domain::policy::{Context, Permission};
use crate::domain::refusal::Refusal;

/// Something that somebody asked for, and may. Only `authorise` makes one.
#[derive(Debug)]
pub struct Authorised<T> {
    what: T,
}

impl<T> Authorised<T> {
    /// What was asked for.
    pub fn get(&self) -> &T {
        &self.what
    }
}

/// Lets `what` through if they may do it, to this alert, now; else says why not and who could.
pub fn authorise<T>(
    context: &Context<'_>,
    who: &Who,
    permission: Permission,
    subject: Option<&Alert>,
    what: T,
) -> Result<Authorised<T>, Refusal> {
    if let Who::Person(person) = who {
        belongs_here(context.directory, person)?;
    }
    allow(context, context.roles(who), permission)?;
    let own = |alert| is_own(context.directory, who, alert);
    if permission != Permission::See && subject.is_some_and(own) {
        return Err(Refusal::OwnCase);
    }
    Ok(Authorised { what })
}

/// Whether a person's roles allow something; the roles that would, where they do not.
pub fn holds(context: &Context<'_>, user: &UserId, permission: Permission) -> Result<(), Refusal> {
    allow(context, context.roles_of(user), permission)
}

fn allow(
    context: &Context<'_>,
    (roles, unknown): (Roles, Vec<UsergroupRef>),
    permission: Permission,
) -> Result<(), Refusal> {
    let allows = |name: &RoleName| {
        context.policy.roles.get(name).is_some_and(|role| role.may.contains(&permission))
    };
    if roles.0.iter().any(allows) {
        return Ok(());
    }
    let groups: Vec<_> = context
        .policy
        .roles
        .values()
        .filter(|role| role.may.contains(&permission))
        .flat_map(|role| &role.usergroups)
        .filter(|group| unknown.contains(group))
        .cloned()
        .collect();
    if !groups.is_empty() {
        return Err(Refusal::GroupUnknown { groups });
    }
    Err(Refusal::NotAllowed {
        needs: context.policy.roles.keys().filter(|name| allows(name)).cloned().collect(),
    })
}

/// Refuses people of other workspaces, guests and the deactivated. What Slack did not tell is not held against anyone:
/// who holds no role is refused all the same.
pub(crate) fn belongs_here(directory: &Directory, person: &Clicker) -> Result<(), Refusal> {
    let known = directory.people.get(&person.user);
    let theirs = person.workspace.as_ref().or_else(|| known.and_then(|p| p.workspace.as_ref()));
    if theirs.is_some_and(|theirs| is_foreign(directory, person, theirs)) {
        return Err(Refusal::ForeignWorkspace);
    }
    match known {
        Some(Person { guest: true, .. }) => Err(Refusal::Guest),
        Some(Person { deactivated: true, .. }) => Err(Refusal::NotAllowed { needs: Vec::new() }),
        _ => Ok(()),
    }
}

/// On Enterprise Grid a person's own workspace may be another of the same organisation, or be told as the organisation
/// itself (`E…`). The payload's organisation is that of the installation, so it counts only for whom Slack has told of.
fn is_foreign(directory: &Directory, person: &Clicker, theirs: &WorkspaceId) -> bool {
    let Some(ours) = &directory.workspace else { return false };
    let organisation = directory.enterprise.as_ref().map(EnterpriseId::as_str);
    if ours == theirs || organisation == Some(theirs.as_str()) {
        return false;
    }
    let same = person.enterprise.is_some() && person.enterprise == directory.enterprise;
    !(same && directory.people.contains_key(&person.user))
}

/// Whether someone is a full, active member, as far as Slack has told: guests and the deactivated are given nothing to do.
pub fn is_one_of_us(directory: &Directory, user: &UserId) -> bool {
    directory.people.get(user).is_none_or(|person| !person.guest && !person.deactivated)
}

/// Whether the alert is about who wants something of it.
pub fn is_own(directory: &Directory, who: &Who, alert: &Alert) -> bool {
    match who {
        Who::Person(person) => is_subject(directory, (&person.user, person.name.as_deref()), alert),
        Who::Os(name) => names(&[name], alert),
    }
}

/// Whether one of these texts names who wants something.
pub fn is_named(directory: &Directory, who: &Who, texts: &[&str]) -> bool {
    match who {
        Who::Person(person) => {
            let known = directory.people.get(&person.user);
            let said = person.name.as_deref();
            any_is(texts.iter().copied(), &names_of(&person.user, known, said))
        }
        Who::Os(name) => any_is(texts.iter().copied(), &[name]),
    }
}

/// Whether someone is who did that before, under whichever account of theirs. An account of the machine is whoever is called so in
/// Slack, by handle or address.
pub fn is_actor(directory: &Directory, who: &Who, actor: &Actor) -> bool {
    match (who, actor) {
        (Who::Person(person), _) => {
            is_person(directory, (&person.user, person.name.as_deref()), actor)
        }
        (Who::Os(name), Actor::Os(other)) => name == other,
        (Who::Os(name), Actor::Person(user)) => {
            any_is([name.as_str()].into_iter(), &names_of(user, directory.people.get(user), None))
        }
        (Who::Os(_), Actor::System | Actor::Source(_)) => false,
    }
}

/// The same of somebody in Slack.
pub fn is_person(
    directory: &Directory,
    (user, said): (&UserId, Option<&str>),
    actor: &Actor,
) -> bool {
    match actor {
        Actor::Person(other) => directory.is_same_person(user, other),
        Actor::Os(name) => {
            any_is([name.as_str()].into_iter(), &names_of(user, directory.people.get(user), said))
        }
        Actor::System | Actor::Source(_) => false,
    }
}

/// Whether the alert is about this person: one of its users or e-mail addresses names them. `said` is the handle that their
/// click gave, for where the directory does not know them.
pub fn is_subject(
    directory: &Directory,
    (user, said): (&UserId, Option<&str>),
    alert: &Alert,
) -> bool {
    names(&names_of(user, directory.people.get(user), said), alert)
}

/// What someone is called.
fn names_of<'a>(
    user: &'a UserId,
    known: Option<&'a Person>,
    said: Option<&'a str>,
) -> [&'a str; 5] {
    let email = known.and_then(|person| person.email.as_deref()).unwrap_or_default();
    let local = email.split('@').next().unwrap_or_default();
    let handle = known.map(|person| person.name.as_str()).unwrap_or_default();
    [user.as_str(), email, local, handle, said.unwrap_or_default()]
}

/// Whether one of the alert's users or addresses is one of these names.
fn names(names: &[&str], alert: &Alert) -> bool {
    let Some(content) = &alert.content else { return false };
    let entities = &content.entities;
    let written = entities.users.iter().chain(&entities.emails).chain(&alert.also_about);
    any_is(written.map(String::as_str), names)
}

fn any_is<'a>(mut written: impl Iterator<Item = &'a str>, names: &[&str]) -> bool {
    written.any(|written| {
        // `CORP\\alice` and `alice` are one; `alice@corp.com` is the person of that address only.
        let account = written.rsplit('\\').next().unwrap_or(written).trim();
        names.iter().any(|name| !name.is_empty() && name.eq_ignore_ascii_case(account))
    })
}
