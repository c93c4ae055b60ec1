//! Which route takes an alert: the first whose `when` holds.

use crate::domain::alert::{Normalised, escalation::Ladder};
use crate::domain::event::{Received, Suppression};
use crate::domain::ids::{AlertId, EscalationName, PlaybookName};
use crate::domain::input::Incoming;
use crate::domain::people::ChannelRef;
use crate::domain::playbook::Trigger;
use crate::domain::playbook::expr::Expr;
use crate::domain::policy::{Context, Policy, Route};
use crate::domain::time::Timestamp;
use minijinja::{Value, context};

/// A route's condition, over `alert` (the normalised alert), `source` (its name).
pub type When = Expr;

/// The values that a route's condition sees.
pub fn scope(source: &str, alert: &Normalised) -> Value {
    context! { alert => Value::from(minijinja::value::Serde(alert)), source => source }
}

/// The route that takes the alert; `None` where the config has no route for it (`check` warns of that).
/// A condition that fails to evaluate does not hold: the catch-all route below still takes the alert.
pub fn route<'a>(policy: &'a Policy, source: &str, alert: &Normalised) -> Option<&'a Route> {
    let scope = std::cell::LazyCell::new(|| scope(source, alert));
    policy.routes.iter().find(|route| match &route.when {
        None => true,
        Some(when) => when.holds(&scope).unwrap_or(false),
    })
}

/// All that the config decides of a new alert. Where no route takes it, it goes to the default channel.
pub fn receive(context: &Context<'_>, incoming: &Incoming, previous: Option<AlertId>) -> Received {
    use crate::domain::alert::{Status, dedup};
    let policy = context.policy;
    let alert = &incoming.alert;
    let route = route(policy, incoming.source.as_str(), alert);
    let escalation =
        route.map_or_else(|| EscalationName::from(Ladder::STANDARD), |r| r.escalation.clone());
    let team = route.and_then(|r| r.team.clone());
    let treated =
        team.as_ref().and_then(|name| policy.teams.get(name)).map(|team| team.treated.clone());
    let channel = route.and_then(|r| r.channel.as_ref()).unwrap_or(&policy.channel);
    let ladder = policy.ladder(&escalation);
    Received {
        source: incoming.source.clone(),
        fingerprint: dedup::fingerprint(&incoming.source, &alert.dedup_key, incoming.test),
        severity: alert.severity,
        status: alert.status,
        occurred_at: alert.occurred_at,
        previous,
        test: incoming.test,
        suppressed_by: (alert.status == Status::Resolved)
            .then_some(Suppression::ResolvedBeforeSeen),
        route: route.map_or_else(|| "none".into(), |r| r.name.clone()),
        team,
        // By its id where Slack has told it: a renamed channel stays the one that was meant.
        channel: match context.directory.channel(channel) {
            Some(id) => ChannelRef(id.as_str().to_owned()),
            None => channel.clone(),
        },
        rungs: ladder.keys(),
        acknowledge: ladder.acknowledge,
        escalation,
        treated: treated.unwrap_or_default(),
        config_hash: policy.config_hash.clone(),
    }
}

/// The playbooks that start by themselves for a new alert. One that nobody is to be shown starts none.
pub fn triggered(
    context: &Context<'_>,
    incoming: &Incoming,
    received: &Received,
) -> Vec<PlaybookName> {
    if received.suppressed_by.is_some() {
        return Vec::new();
    }
    let policy = context.policy;
    let listed = policy.routes.iter().find(|route| route.name == received.route);
    let listed = listed.and_then(|route| route.playbooks.as_ref());
    let scope = std::cell::LazyCell::new(|| scope(incoming.source.as_str(), &incoming.alert));
    let all = policy.playbooks.0.values().filter(|playbook| playbook.on == Trigger::Alert);
    all.filter(|playbook| listed.is_none_or(|names| names.contains(&playbook.name)))
        .filter(|playbook| match &playbook.when {
            None => true,
            Some(when) => when.holds(&scope).unwrap_or(false),
        })
        .map(|playbook| playbook.name.clone())
        .collect()
}

impl Policy {
    /// When the ladder of that name came into force as it stands; for one that an edit took away, when that was.
    pub fn ladder_since(&self, name: &EscalationName) -> Timestamp {
        self.ladders_since.get(name).copied().unwrap_or(self.since)
    }

    /// The escalation policy of that name; where an edit took it away, the standard one: nobody is forgotten.
    pub fn ladder(&self, name: &EscalationName) -> &Ladder {
        self.escalations
            .get(name)
            .or_else(|| self.escalations.get(&EscalationName::from(Ladder::STANDARD)))
            .expect("the config always holds the standard escalation")
    }
}
