//! What an envelope means. Pure: the envelope in, what was heard out.

use crate::domain::effect::ReplyTo;
use crate::domain::ids::{ChannelId, EnterpriseId, MessageTs, UserId, WorkspaceId};
use crate::domain::input::{Act, Binding, Click, Clicker, Command, Input, Moment, Who};
use crate::domain::people::Surface;
use crate::slack::directory::Hint;
use crate::slack::inbound::{Mistakes, Vocabulary};
use crate::slack::manifest::{About, COMMANDS, EVENTS};
use crate::slack::payload::{
    Action, Envelope, Event, EventCallback, Interaction, SlashCommand, View,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What an envelope turned out to be.
pub(super) enum Heard {
    /// Somebody wants something.
    Asked(Box<Asked>),
    /// A form that cannot be taken as it is.
    Mistaken(Mistakes),
    /// People, groups or channels have changed.
    Changed(Hint),
    /// A channel may be closed to us.
    Closed(ChannelId),
    /// Understood, and nothing follows.
    Nothing,
    /// Not understood; the word says what is new.
    Unknown(String),
}

/// What somebody wants: one input each, with the key of its delivery; without one where nothing names the delivery.
pub(super) struct Asked {
    pub(super) inputs: Vec<(Option<String>, Input)>,
    /// With which a form can be opened, for 3 s.
    pub(super) trigger: Option<String>,
}

pub(super) fn translate(envelope: Envelope, vocabulary: &dyn Vocabulary) -> Heard {
    let id = envelope.envelope_id.unwrap_or_default();
    let payload = envelope.payload.unwrap_or_default();
    match envelope.kind.as_deref() {
        Some("interactive") => read(payload, "interaction", |i| interaction(i, &id, vocabulary)),
        Some("slash_commands") => read(payload, "command", |c| command(c, &id, vocabulary)),
        Some("events_api") => read(payload, "event", event),
        other => Heard::Unknown(format!("envelope:{}", other.unwrap_or("none"))),
    }
}

fn read<T: DeserializeOwned>(payload: Value, what: &str, then: impl FnOnce(T) -> Heard) -> Heard {
    match serde_json::from_value(payload) {
        Ok(payload) => then(payload),
        Err(_) => Heard::Unknown(format!("{what}:unparsable")),
    }
}

/// Names the delivery. A look-alike may leave ids empty: an empty one would make every click the same delivery.
fn key(trigger: Option<&str>, envelope: &str) -> Option<String> {
    let named = trigger.into_iter().chain([envelope]).find(|id| !id.is_empty())?;
    Some(format!("slack:{named}"))
}

/// The same for what was pressed, with the moment of the press: a look-alike may send the same trigger each time.
fn pressed_key(of: &Interaction, envelope: &str) -> Option<String> {
    let key = key(of.trigger_id.as_deref(), envelope)?;
    let at = of.actions.first().and_then(|action| action.action_ts.as_deref());
    Some(match at.filter(|at| !at.is_empty()) {
        Some(at) => format!("{key}/{at}"),
        None => key,
    })
}

fn interaction(mut of: Interaction, envelope: &str, vocabulary: &dyn Vocabulary) -> Heard {
    let kind = of.kind.take().unwrap_or_else(|| "none".to_owned());
    of.trigger_id = of.trigger_id.filter(|trigger| !trigger.is_empty());
    match kind.as_str() {
        "block_actions" => actions(of, envelope, vocabulary),
        "view_submission" => submission(of, envelope, vocabulary),
        "view_closed" => Heard::Nothing,
        _ => Heard::Unknown(format!("interaction:{kind}")),
    }
}

fn actions(of: Interaction, envelope: &str, vocabulary: &dyn Vocabulary) -> Heard {
    let Some(person) = clicker(&of) else { return Heard::Unknown("interaction:nobody".to_owned()) };
    let via = surface(of.view.as_ref());
    let first = pressed_key(&of, envelope);
    let mut inputs = Vec::new();
    let mut strange = false;
    for action in &of.actions {
        let acts = pressed(action, vocabulary);
        strange |= acts.is_empty() && !says_nothing(action, via);
        for (act, binding) in acts {
            let key = match inputs.len() {
                0 => first.clone(),
                n => first.as_ref().map(|first| format!("{first}/{n}")),
            };
            let click = Click {
                who: Who::Person(person.clone()),
                via,
                act,
                binding,
                reply_to: Some(reply_to(&of, &person.user)),
            };
            inputs.push((key, Input::Click(Box::new(click))));
        }
    }
    match (inputs.is_empty(), strange || of.actions.is_empty()) {
        (false, _) => Heard::Asked(Box::new(Asked { inputs, trigger: of.trigger_id })),
        (true, true) => Heard::Unknown("action".to_owned()),
        (true, false) => Heard::Nothing,
    }
}

fn pressed(action: &Action, vocabulary: &dyn Vocabulary) -> Vec<(Act, Binding)> {
    let chosen = action.selected_option.as_ref().and_then(|choice| choice.value.as_deref());
    let value = chosen.or(action.value.as_deref()).unwrap_or_default();
    vocabulary.pressed(action.action_id.as_deref().unwrap_or_default(), value)
}

/// A link that Slack has opened already, or a field of a form that will come with the form.
fn says_nothing(action: &Action, via: Surface) -> bool {
    action.url.is_some() || via == Surface::Modal
}

fn surface(view: Option<&View>) -> Surface {
    match view.map(|view| view.kind.as_deref()) {
        None => Surface::Button,
        Some(Some("home")) => Surface::Home,
        Some(_) => Surface::Modal,
    }
}

fn submission(of: Interaction, envelope: &str, vocabulary: &dyn Vocabulary) -> Heard {
    let Some(person) = clicker(&of) else { return Heard::Unknown("interaction:nobody".to_owned()) };
    let Some(view) = &of.view else { return Heard::Unknown("view_submission:viewless".to_owned()) };
    let values = view.state.as_ref().and_then(|state| state.values.clone()).unwrap_or_default();
    let sent = vocabulary.submitted(
        view.callback_id.as_deref().unwrap_or_default(),
        view.private_metadata.as_deref().unwrap_or_default(),
        &Value::Object(values),
    );
    match sent {
        None => Heard::Unknown("view_submission".to_owned()),
        Some(Err(mistakes)) => Heard::Mistaken(mistakes),
        Some(Ok((act, binding))) => {
            let reply_to = Some(reply_to(&of, &person.user));
            let key = key(of.trigger_id.as_deref(), envelope);
            let who = Who::Person(person);
            let click = Click { who, via: Surface::Modal, act, binding, reply_to };
            let inputs = vec![(key, Input::Click(Box::new(click)))];
            Heard::Asked(Box::new(Asked { inputs, trigger: of.trigger_id }))
        }
    }
}

/// Who it was. `team` is null for an app that an organisation installed; `user.team_id` names the person's own workspace.
fn clicker(of: &Interaction) -> Option<Clicker> {
    let user = of.user.as_ref()?;
    let team = of.team.as_ref();
    let workspace = user.team_id.as_deref().or(team.and_then(|team| team.id.as_deref()));
    let enterprise = of.enterprise.as_ref().and_then(|enterprise| enterprise.id.as_deref());
    Some(Clicker {
        user: UserId::new(user.id.as_deref()?),
        name: user.username.clone().or_else(|| user.name.clone()),
        workspace: workspace.map(WorkspaceId::new),
        enterprise: enterprise.map(EnterpriseId::new),
    })
}

fn reply_to(of: &Interaction, user: &UserId) -> ReplyTo {
    let container = of.container.as_ref().and_then(|place| place.channel_id.as_deref());
    let channel = of.channel.as_ref().and_then(|channel| channel.id.as_deref()).or(container);
    ReplyTo {
        user: user.clone(),
        channel: channel.map(ChannelId::new),
        response_url: of.response_url.clone(),
    }
}

fn command(of: SlashCommand, envelope: &str, vocabulary: &dyn Vocabulary) -> Heard {
    let named = of.command.as_deref().unwrap_or_default();
    if !COMMANDS.contains(&named) {
        return Heard::Unknown("command".to_owned());
    }
    let Some(user) = of.user_id.map(UserId::new) else {
        return Heard::Unknown("command:nobody".to_owned());
    };
    let command = Command {
        verb: vocabulary.command(of.text.as_deref().unwrap_or_default()),
        reply_to: ReplyTo {
            user: user.clone(),
            channel: of.channel_id.map(ChannelId::new),
            response_url: of.response_url,
        },
        person: Clicker {
            user,
            name: of.user_name,
            workspace: of.team_id.map(WorkspaceId::new),
            enterprise: of.enterprise_id.map(EnterpriseId::new),
        },
    };
    let key = key(of.trigger_id.as_deref(), envelope);
    let inputs = vec![(key, Input::Command(Box::new(command)))];
    Heard::Asked(Box::new(Asked { inputs, trigger: of.trigger_id }))
}

/// Events only tell that our picture of the workspace is old, or that a message is gone. A repeat does no harm.
fn event(of: EventCallback) -> Heard {
    let Some(event) = of.event else { return Heard::Unknown("event:none".to_owned()) };
    let kind = event.kind.as_deref().unwrap_or("none");
    // `message.channels` and `message.groups` come as `message`.
    let is_it = |name: &str| name.split('.').next() == Some(kind);
    let Some((_, about)) = EVENTS.iter().find(|(name, _)| is_it(name)) else {
        return Heard::Unknown(format!("event:{kind}"));
    };
    match about {
        About::Person => {
            let user = event.user.unwrap_or_default();
            let id = user.get("id").and_then(Value::as_str).or(user.as_str());
            id.map_or(Heard::Nothing, |id| Heard::Changed(Hint::Person(UserId::new(id))))
        }
        About::Groups => Heard::Changed(Hint::Groups),
        About::Channels => Heard::Changed(Hint::Channels),
        About::Place => {
            let channel = event.channel.as_ref().and_then(Value::as_str);
            channel.map_or(Heard::Nothing, |id| Heard::Closed(ChannelId::new(id)))
        }
        About::Message => message(&event, of.event_id.as_deref()),
    }
}

/// A bot is sent each message of its channels; only one that is gone matters. Of a message that has answers Slack leaves a
/// stone in its place.
fn message(event: &Event, id: Option<&str>) -> Heard {
    let after = event.message.as_ref();
    let is_stone = after.and_then(|message| message.subtype.as_deref()) == Some("tombstone");
    let gone = match event.subtype.as_deref() {
        Some("message_deleted") => event.deleted_ts.as_deref(),
        Some("message_changed") if is_stone => after.and_then(|message| message.ts.as_deref()),
        _ => None,
    };
    let (Some(channel), Some(ts)) = (event.channel.as_ref().and_then(Value::as_str), gone) else {
        return Heard::Nothing;
    };
    let moment =
        Moment::MessageDeleted { channel: ChannelId::new(channel), ts: MessageTs::new(ts) };
    let key = id.filter(|id| !id.is_empty()).map(|id| format!("slack:{id}"));
    let inputs = vec![(key, Input::Moment(moment))];
    Heard::Asked(Box::new(Asked { inputs, trigger: None }))
}
