//! Telling someone that an alert waits: in its thread, by direct message, in another channel; and how that message looks
//! once the alert has moved on.

use crate::domain::alert::State;
use crate::domain::alert::audience::MENTIONED;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::event::{Told, Way};
use crate::domain::ids::UserId;
use crate::domain::people::Directory;
use crate::slack::view::alert::header;
use crate::slack::view::clean::escape;
use crate::slack::view::mrkdwn::Mrkdwn;
use crate::slack::view::permalink::Permalink;
use crate::slack::view::words::Naming;
use crate::slack::view::{self, Look, Message, facts, kit, status, words};

/// The notification. Rendered when it is sent: where the alert has moved on meanwhile, it says so.
pub fn notify(told: &Told, alert: &Alert, look: &Look<'_>) -> Message {
    match told.how {
        Way::Thread => in_thread(told, alert, look),
        Way::Dm => with_buttons(still_open(told, alert, look), alert, Naming::Mention, look),
        // A post there would ring whoever has it.
        Way::Channel(_) => with_buttons(still_open(told, alert, look), alert, Naming::Handle, look),
    }
}

fn still_open(told: &Told, alert: &Alert, look: &Look<'_>) -> Option<Mrkdwn> {
    (alert.state == State::Open).then(|| why(told, alert, look))
}

/// A notification in a direct message or another channel, brought up to date: who has it, and what can be done now.
pub fn copy(alert: &Alert, look: &Look<'_>) -> Message {
    with_buttons(None, alert, Naming::Mention, look)
}

fn with_buttons(why: Option<Mrkdwn>, alert: &Alert, naming: Naming, look: &Look<'_>) -> Message {
    let mut blocks = vec![header(alert)];
    let mut text = words::headline(alert);
    if let Some(why) = why {
        text.push_str(&open_for(alert, look));
        blocks.push(kit::section(&why));
    }
    blocks.push(kit::section(&status::line(alert, naming, look).maybe(place(alert, look))));
    blocks.extend(status::buttons(alert, look));
    blocks.extend(status::playbooks(alert, look));
    Message::at_most(facts::AT_A_GLANCE, |depth| {
        Message::new(&text, blocks.clone()).with_details(facts::attachment(alert, look, depth))
    })
}

/// ` · open for 5 min`; nothing while it is new.
fn open_for(alert: &Alert, look: &Look<'_>) -> String {
    match waiting(alert, look) {
        span if span.as_secs() < 60 => String::new(),
        span => format!(" · open for {}", words::span(span)),
    }
}

/// Where the alert's own message stands.
fn place(alert: &Alert, look: &Look<'_>) -> Option<Mrkdwn> {
    let posted = alert.message.as_ref()?;
    let place = Mrkdwn::words("\nIts thread is in ").channel(&posted.channel);
    let address = look.directory.address.as_deref();
    Some(match address.and_then(|workspace| Permalink::of(posted, workspace)) {
        Some(link) => place.say(" · ").link(&link, "Open it"),
        None => place,
    })
}

fn in_thread(told: &Told, alert: &Alert, look: &Look<'_>) -> Message {
    let line = words::headline(alert);
    let meanwhile = |state: &str, words| {
        // It came too late to matter: nobody is rung.
        Message::new(&format!("{line} · {state}"), vec![kit::section(&Mrkdwn::words(words))])
    };
    match alert.state {
        State::Acknowledged => meanwhile("acknowledged", "It has been acknowledged meanwhile."),
        State::Resolved => meanwhile("resolved", "It has been resolved meanwhile."),
        State::Open => {
            let mentions = mentions(told, look.directory);
            // What it is comes first on a lock screen; the mentions ring from the end just as well.
            let line = escape(&format!("{line}{} · ", open_for(alert, look)));
            let text = format!("{line}{}", mentions.render(kit::size::SECTION));
            let block = kit::section(&mentions.say(" ").then(why(told, alert, look)));
            Message { text, ..Message::new("", vec![block]) }
        }
    }
}

/// Groups by their mention, and the people who are in none of them. Whoever is meant is mentioned, up to a bound.
pub(super) fn mentions(told: &Told, directory: &Directory) -> Mrkdwn {
    let people = by_name(told, directory);
    let spaced = |text: Mrkdwn, first: bool| if first { text } else { text.say(" ") };
    let groups = told
        .groups
        .iter()
        .enumerate()
        .fold(Mrkdwn::default(), |text, (i, group)| spaced(text, i == 0).group(group));
    let named = people.iter().take(MENTIONED).enumerate().fold(groups, |text, (i, user)| {
        spaced(text, i == 0 && told.groups.is_empty()).person(user)
    });
    match people.len().saturating_sub(MENTIONED) {
        0 => named,
        more => named.say(" +").name(more).say(" more"),
    }
}

/// Those who are in none of the groups.
fn by_name<'a>(told: &'a Told, directory: &Directory) -> Vec<&'a UserId> {
    let in_a_group =
        |user: &UserId| told.groups.iter().any(|group| directory.is_member(group, user));
    told.people.iter().filter(|user| !in_a_group(user)).collect()
}

/// What was said to whom: of those meant in a thread only whom the message mentions.
pub fn mentioned(told: &Told, directory: &Directory) -> Told {
    let named = by_name(told, directory);
    if told.how != Way::Thread || named.len() <= MENTIONED {
        return told.clone();
    }
    let left_out = &named[MENTIONED..];
    let people = told.people.iter().filter(|user| !left_out.contains(user)).cloned().collect();
    Told { people, ..told.clone() }
}

/// Why you get this: how long it has waited, which level, which repeat.
pub(super) fn why(told: &Told, alert: &Alert, look: &Look<'_>) -> Mrkdwn {
    if let (0, Some(word)) = (told.level, &alert.not_shown) {
        return view::place::nowhere(alert, word);
    }
    let span = words::span(waiting(alert, look));
    let yours = told.how == Way::Dm
        && alert.assignee.as_ref().is_some_and(|user| told.people.contains(user));
    let reason = match (yours, alert.notifications) {
        (true, _) => Mrkdwn::words("*It is assigned to you* and waits for you to acknowledge it"),
        (false, 0) if waiting(alert, look).as_secs() < 60 => {
            Mrkdwn::words("*It waits for somebody to acknowledge it*")
        }
        (false, _) => Mrkdwn::words("*Nobody has acknowledged it for ").name(span).say("*"),
    };
    let level = reason.say(" · level ").name(told.level);
    match told.repeat {
        0 => level,
        number => level.say(", reminder ").name(number),
    }
}

/// How long it has waited: since it was received, or since it was reopened.
fn waiting(alert: &Alert, look: &Look<'_>) -> std::time::Duration {
    let again = alert.life > 0 || alert.acknowledged.is_some();
    look.now.since(if again { alert.ladder.since } else { alert.received_at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::RungKey;
    use crate::domain::ids::UsergroupId;
    use crate::domain::people::Membership;

    #[test]
    fn whom_the_bound_leaves_out_is_not_said_to_have_been_mentioned() {
        let people: Vec<UserId> =
            (0..MENTIONED + 12).map(|number| UserId::new(format!("U0X{number:04}"))).collect();
        let group = UsergroupId::from("S0BLUE");
        let mut told = Told {
            round: 0,
            level: 1,
            rung: RungKey("team".to_owned()),
            repeat: 0,
            how: Way::Thread,
            people: people.clone(),
            groups: vec![group.clone()],
        };
        let mut directory = Directory::default();
        let members = people[..10].iter().cloned().collect();
        directory.groups.insert(group.clone(), Membership::Known(members));
        // The group mentions ten, and of the others two are too many.
        assert_eq!(mentioned(&told, &directory).people, people[..MENTIONED + 10]);
        directory.groups.insert(group, Membership::Unknown);
        assert_eq!(mentioned(&told, &directory).people, people[..MENTIONED], "as it is sent");
        told.how = Way::Dm;
        assert_eq!(mentioned(&told, &directory).people, people, "each hears by themselves");
    }
}
