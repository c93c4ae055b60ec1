//! Text that wants to be more than text, thrown at every view: whatever it says, Slack takes the message, nobody is
//! mentioned, nothing links away, and nothing is hidden.

use super::runs::{self, HOUSE, STATES, spoilt};
use super::sample::*;
use super::snapshots::every_refusal;
use super::{faults, modal_faults, of, strangers};
use crate::domain::alert::lifecycle::Alert;
use crate::domain::alert::{Disposition, Severity, State};
use crate::domain::coverage::{Coverage, Untreated};
use crate::domain::effect::{Line, MOST_TOGETHER};
use crate::domain::event::{AlertContent, Event, Way};
use crate::domain::people::{Actor, ChannelRef, Membership, Person, UsergroupRef};
use crate::domain::refusal::Refusal;
use crate::slack::view::reply::ListItem;
use crate::slack::view::run::{Shown, ask, plan};
use crate::slack::view::{Look, Message, alert, digest, form, line, notify, reply};
use proptest::prelude::*;

const PIECES: [&str; 24] = [
    "<!channel>",
    "<!here|x>",
    "<@U123>",
    "<!subteam^S123>",
    "<#C123>",
    "<https://evil.example|Approve>",
    "https://evil.example/?a=<b>&c",
    "*bold* _it_ ~no~ `code` ```",
    "&lt;!channel&gt; &amp;",
    "\u{202e}drowssap\u{202c}",
    "\u{2066}x\u{2069}\u{200f}\u{061c}",
    "\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{ad}",
    "\0\u{1}\u{8}\u{b}\u{1b}[31m\u{7f}\u{85}\u{9b}",
    "\r\n\n\n\t",
    "\u{2028}\u{2029}",
    "👩\u{200d}💻🏴\u{e0067}\u{e007f}",
    "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}",
    "\u{fff9}\u{fffb}\u{ffff}\u{3164}",
    "{{ 7*7 }} ${x} %s \\u0000 \" ' \\",
    ":rotating_light: @here @channel #general",
    "> quote\n- list",
    "é日本語العربية",
    "<",
    "plain words",
];

/// Text of pieces and of anything else; sometimes very long.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => proptest::sample::select(&PIECES[..]).prop_map(str::to_owned),
        2 => any::<String>(),
        1 => any::<char>().prop_map(|c| c.to_string()),
    ];
    let length = prop_oneof![8 => 1usize..3, 1 => Just(3000usize)];
    (proptest::collection::vec(piece, 0..8), length).prop_map(|(pieces, times)| {
        let text = pieces.concat().repeat(times);
        text.chars().take(100_000).collect()
    })
}

fn contents() -> impl Strategy<Value = AlertContent> {
    let texts = proptest::collection::vec(hostile(), 7);
    let values = proptest::collection::vec(proptest::collection::vec(hostile(), 0..20), 9);
    (texts, values, any::<bool>()).prop_map(|(texts, values, linked)| {
        let mut texts = texts.into_iter();
        let mut text = || texts.next().unwrap_or_default();
        let url = text();
        let mut content = AlertContent {
            source_id: Some(text()),
            title: text(),
            description: Some(text()),
            rule: Some(text()),
            url: Some(if linked { format!("https://kibana.example.com/{url}") } else { url }),
            entities: Default::default(),
            tactic: Some(text()),
            technique: Some(text()),
            raw: String::new(),
        };
        for ((_, list), values) in content.entities.kinds_mut().into_iter().zip(values) {
            *list = values;
        }
        content
    })
}

/// The alert in each state, with names of the config and of Slack as bad as its words.
fn states(content: &AlertContent, name: &str) -> Vec<Alert> {
    let mut received = received();
    received.source = name.into();
    received.team = Some(name.into());
    received.test = name.len().is_multiple_of(2);
    received.previous = Some(name.into());
    let open = alert_of(received, Some(content.clone()));
    let held = after(open.clone(), 3, Actor::Os(name.to_owned()), Event::Acknowledged {});
    let assigned = after(held.clone(), 4, person("U0BEA"), Event::Assigned { to: name.into() });
    let disposition = Some(Disposition::BenignTruePositive);
    let over = after(held.clone(), 9, person(name), Event::Resolved { disposition });
    let mut noted = over.clone();
    if let Some(resolved) = &mut noted.resolved {
        resolved.note = Some(content.title.clone());
    }
    let again = reopened(over, 12, State::Resolved);
    vec![open, held, assigned, noted, again]
}

fn coverage(content: &AlertContent, name: &str) -> Coverage {
    let row = Untreated {
        alert: ID.into(),
        title: Some(content.title.clone()),
        severity: Severity::Low,
        state: State::Acknowledged,
        received_at: at(0),
        told: vec![(at(1), name.into()), (at(2), "U0BEA".into())],
    };
    Coverage {
        received: u64::MAX,
        suppressed: vec![(name.to_owned(), 1), (content.title.clone(), 2)],
        untreated: vec![row; 30],
        ..Coverage::default()
    }
}

fn lines(content: &AlertContent, name: &str, alert: &Alert) -> Vec<Line> {
    let to = told(Way::Channel(ChannelRef(name.to_owned())), &["U0BEA", name], &[]);
    let not_told = Event::NotTold { told: to, why: content.title.clone() };
    let resolved = Event::Resolved { disposition: Some(Disposition::Test) };
    [Event::Acknowledged {}, not_told, Event::Assigned { to: name.into() }, resolved]
        .into_iter()
        .map(|event| Line { at: at(9), actor: Actor::Source(name.into()), event })
        .chain((0..40).map(|_| Line {
            at: alert.received_at,
            actor: person(name),
            event: Event::NotShown { why: name.to_owned() },
        }))
        .collect()
}

fn refusals(name: &str) -> Vec<Refusal> {
    let mut all = every_refusal();
    all.extend([
        Refusal::NotAllowed { needs: vec![name.into(); 9] },
        Refusal::GroupUnknown { groups: vec![UsergroupRef(name.to_owned()); 9] },
        Refusal::AlreadyAcknowledged { by: name.to_owned(), at: at(1) },
        Refusal::AlreadyAssigned { to: name.into() },
        Refusal::AssigneeMayNot { to: name.into() },
        Refusal::UnknownCommand { nearest: Some(name.to_owned()) },
    ]);
    all
}

/// Every message that we can send about this alert.
fn messages(alert: &Alert, content: &AlertContent, name: &str, look: &Look<'_>) -> Vec<Message> {
    let people: Vec<&str> = std::iter::repeat_n("U0BEA", 400).chain([name]).collect();
    let ways = [Way::Thread, Way::Dm, Way::Channel(ChannelRef(name.to_owned()))];
    let mut all = vec![
        alert::message(alert, look),
        reply::show(alert, look),
        notify::copy(alert, look),
        line::lines(&of(&lines(content, name, alert), alert), look),
        reply::list(&vec![ListItem::from(alert); 30], 99, look),
        reply::coverage(&coverage(content, name), look),
        reply::help(),
    ];
    let groups = ["S0BLUE", name];
    let several = vec![alert; MOST_TOGETHER];
    all.extend([digest::message(&several, look), digest::copy(&several, look)]);
    for way in &ways {
        let told = told(way.clone(), &people, &groups);
        let each: Vec<_> = several.iter().map(|alert| (&told, *alert)).collect();
        all.push(digest::notify(&each, look));
    }
    all.extend(ways.map(|way| notify::notify(&told(way, &people, &groups), alert, look)));
    if alert.life == 0 && alert.state == State::Open {
        all.extend(refusals(name).iter().map(|refusal| reply::refused(refusal, Some(alert), look)));
    }
    all
}

/// Everything wrong with what is shown of runs whose alert, answers, titles and tools say this.
fn wrong_with_runs(said: &str, look: &Look<'_>) -> Vec<String> {
    let house = &*HOUSE;
    let mut wrong = Vec::new();
    let mut hostile = content();
    (hostile.title, hostile.entities.hosts) = (said.to_owned(), vec![said.to_owned(); 3]);
    let alert = alert_of(received(), Some(hostile));
    for (name, run) in &*STATES {
        let run = spoilt(run, said);
        let shown = Shown { run: &run, alert: Some(&alert), catalogue: &house.catalogue };
        for message in runs::messages(&shown, look) {
            let found = faults(&message).into_iter();
            let found = found.chain(strangers(&message.arguments(), &KNOWN));
            wrong.extend(found.map(|what| format!("a run that {name}: {what}")));
        }
        let mut forms = vec![plan::form(&shown, look), plan::shown(&shown, look)];
        let asks = ["isolate-host", "leaked-secret"].map(|name| house.playbook(name));
        forms.extend(asks.iter().filter_map(|playbook| ask::form(playbook, &alert, look)));
        for form in forms {
            let found = modal_faults(&form).into_iter().chain(strangers(&form.0, &KNOWN));
            wrong.extend(found.map(|what| format!("a form of a run that {name}: {what}")));
        }
    }
    wrong
}

/// Everything wrong with anything that we could send; empty where all is well.
fn wrong(content: &AlertContent, name: &str) -> Vec<String> {
    let mut world = World::new();
    let bad = Person { name: name.to_owned(), ..Person::default() };
    world.directory.people.insert(name.into(), bad);
    world.directory.groups.insert(name.into(), Membership::Unknown);
    let look = world.look(2000);
    let mut wrong = Vec::new();
    for alert in states(content, name) {
        for (i, message) in messages(&alert, content, name, &look).iter().enumerate() {
            let found = faults(message).into_iter();
            let found = found.chain(strangers(&message.arguments(), &KNOWN));
            wrong.extend(found.map(|what| format!("message {i}: {what}")));
        }
        for modal in [form::resolve(&alert, &look), form::assign(&alert, &look)] {
            wrong.extend(modal_faults(&modal));
            wrong.extend(strangers(&modal.0, &KNOWN));
        }
    }
    wrong.extend(wrong_with_runs(&content.title, &look));
    wrong
}

/// An alert's words and a name; printed in part, for a failure may be megabytes long.
struct Case(AlertContent, String);

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = format!("{:?} named {:?}", self.0, self.1);
        f.write_str(&whole.chars().take(3000).collect::<String>())
    }
}

fn case() -> impl Strategy<Value = Case> {
    (contents(), hostile()).prop_map(|(content, name)| Case(content, name))
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn no_text_breaks_a_view(case in case()) {
        prop_assert_eq!(wrong(&case.0, &case.1), Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn no_text_breaks_a_command(said in hostile()) {
        let _ = crate::slack::command::parse(&said);
        let _ = crate::slack::command::nearest(&said);
    }
}

/// One character again and again, in every place: what JSON, Slack or UTF-16 count most.
#[test]
fn the_longest_of_everything_fits() {
    for c in ["\"", "\\", "&", "<", "😀", "é", "e\u{301}", "\u{202e}", "a\n", "\u{1}"] {
        let long = c.repeat(3000);
        let mut content = content();
        for (_, list) in content.entities.kinds_mut() {
            *list = vec![long.clone(); 30];
        }
        content.title = long.clone();
        content.url = Some(format!("https://kibana.example.com/{}", "x".repeat(950)));
        for text in [
            &mut content.source_id,
            &mut content.description,
            &mut content.rule,
            &mut content.tactic,
            &mut content.technique,
        ] {
            *text = Some(long.clone());
        }
        assert_eq!(wrong(&content, &long), Vec::<String>::new(), "{c:?}");
    }
}
