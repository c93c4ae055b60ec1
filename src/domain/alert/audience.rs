//! Who is meant, at this moment: the config's `whom` against the directory and the alert.

use crate::domain::access;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::ids::{RoleName, UserId, UsergroupId};
use crate::domain::people::{Membership, UsergroupRef};
use crate::domain::policy::{Context, Permission, Team, Whom};

/// The people meant, in the config's order, each once; and the groups that stand for them in a mention.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    pub people: Vec<UserId>,
    pub groups: Vec<UsergroupId>,
}

/// So many people are mentioned by name in one message.
pub const MENTIONED: usize = 150;
/// A team may be written as a role, a role as a group; nothing that means something is deeper than this.
const DEPTH: u32 = 4;

/// Resolves `whom`. Left out: guests, the deactivated, and whom the alert is about.
pub fn audience(context: &Context<'_>, alert: &Alert, whom: &[Whom]) -> Audience {
    let team = alert.received.team.as_ref().and_then(|name| context.policy.teams.get(name));
    let mut found = meant(context, &Around { team, assignee: alert.assignee.as_ref() }, whom);
    found.people.retain(|user| !access::is_subject(context.directory, (user, None), alert));
    found
}

/// What `team` and `assignee` mean.
#[derive(Clone, Copy, Debug, Default)]
pub struct Around<'a> {
    pub team: Option<&'a Team>,
    pub assignee: Option<&'a UserId>,
}

/// Whom the words mean before an alert is there: those that one could be about are not left out.
pub fn meant(context: &Context<'_>, around: &Around<'_>, whom: &[Whom]) -> Audience {
    let mut found = Audience::default();
    for one in whom {
        add(context, around, one, (&mut found, DEPTH));
    }
    found.people.retain(|user| access::is_one_of_us(context.directory, user));
    found
}

impl Audience {
    /// Whether nobody at all is meant.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty() && self.groups.is_empty()
    }

    fn person(&mut self, user: UserId) {
        if !self.people.contains(&user) {
            self.people.push(user);
        }
    }

    fn group(&mut self, context: &Context<'_>, group: &UsergroupRef) {
        if let Membership::Known(members) = context.directory.members(group) {
            members.iter().for_each(|member| self.person(member.clone()));
        }
        if let Some(id) = context.directory.group(group)
            && !self.groups.contains(&id)
        {
            self.groups.push(id);
        }
    }
}

fn add(
    context: &Context<'_>,
    around: &Around<'_>,
    whom: &Whom,
    (found, depth): (&mut Audience, u32),
) {
    if depth == 0 {
        return;
    }
    match whom {
        Whom::User(written) => {
            context.directory.user(written).into_iter().for_each(|user| found.person(user))
        }
        Whom::Usergroup(group) => found.group(context, group),
        Whom::Role(name) => add_role(context, name, found),
        Whom::Assignee => around.assignee.iter().for_each(|user| found.person((*user).clone())),
        Whom::TeamAvailable => {
            let mut all = Audience::default();
            add(context, around, &Whom::Team, (&mut all, depth - 1));
            let quiet = |u: &UserId| {
                context.directory.people.get(u).is_some_and(|person| person.do_not_disturb)
            };
            all.people.into_iter().filter(|user| !quiet(user)).for_each(|user| found.person(user));
        }
        Whom::Team | Whom::Lead | Whom::OnCall => {
            let listed = around.team.map(|team| named(team, whom)).unwrap_or_default();
            if listed.is_empty() {
                return add_default(context, around, whom, (found, depth - 1));
            }
            for one in listed {
                add(context, around, one, (found, depth - 1));
            }
        }
    }
}

fn named<'a>(team: &'a Team, whom: &Whom) -> &'a [Whom] {
    match whom {
        Whom::Lead => &team.lead,
        Whom::OnCall => &team.on_call,
        _ => &team.members,
    }
}

/// Where the config names nobody: the lead is who holds `lead`, the on-call is the team, the team is whoever may acknowledge.
fn add_default(
    context: &Context<'_>,
    around: &Around<'_>,
    whom: &Whom,
    (found, depth): (&mut Audience, u32),
) {
    let lead = RoleName::from("lead");
    match whom {
        Whom::Lead if context.policy.roles.contains_key(&lead) => add_role(context, &lead, found),
        Whom::Lead | Whom::OnCall => add(context, around, &Whom::Team, (found, depth)),
        _ => {
            let analyst = RoleName::from("analyst");
            if context.policy.roles.contains_key(&analyst) {
                return add_role(context, &analyst, found);
            }
            let may = |name: &&RoleName| {
                context.policy.roles[*name].may.contains(&Permission::Acknowledge)
            };
            for name in context.policy.roles.keys().filter(may) {
                add_role(context, name, found);
            }
        }
    }
}

fn add_role(context: &Context<'_>, name: &RoleName, found: &mut Audience) {
    let Some(role) = context.policy.roles.get(name) else { return };
    role.users
        .iter()
        .filter_map(|written| context.directory.user(written))
        .for_each(|user| found.person(user));
    role.usergroups.iter().for_each(|group| found.group(context, group));
}
