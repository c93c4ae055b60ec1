//! Each view in each state: as text to be reviewed, then as it goes to Slack.

use super::sample::*;
use super::{as_text, faults, modal_faults, of, strangers};
use crate::domain::alert::{Severity, State};
use crate::domain::coverage::{Coverage, Untreated};
use crate::domain::effect::Line;
use crate::domain::event::{Action, Event, Suppression, Told, Way};
use crate::domain::input::{Reach, Sent};
use crate::domain::people::{Actor, ChannelRef, UsergroupRef};
use crate::domain::refusal::Refusal;
use crate::slack::view::reply::ListItem;
use crate::slack::view::{Message, Modal, alert, digest, form, line, notify, reply};
use serde_json::Value;
use std::time::Duration;

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON")
}

pub fn see(name: &str, message: &Message) {
    assert_eq!(faults(message), Vec::<String>::new(), "{name}");
    assert_eq!(strangers(&message.arguments(), &KNOWN), Vec::<String>::new(), "{name}");
    let text = format!("{}\n\n{}", as_text::message(message), pretty(&message.arguments()));
    insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(name, text) });
}

pub fn see_form(name: &str, modal: &Modal) {
    assert_eq!(modal_faults(modal), Vec::<String>::new(), "{name}");
    let text = format!("{}\n\n{}", as_text::modal(modal), pretty(&modal.0));
    insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(name, text) });
}

/// Several messages in one file, as text only.
pub fn see_texts(name: &str, messages: &[(String, Message)]) {
    let mut text = String::new();
    for (title, message) in messages {
        assert_eq!(faults(message), Vec::<String>::new(), "{title}");
        assert_eq!(strangers(&message.arguments(), &KNOWN), Vec::<String>::new(), "{title}");
        text.push_str(&format!("──── {title}\n{}\n", as_text::message(message)));
    }
    insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(name, text) });
}

#[test]
fn alert_open() {
    see("alert_open", &alert::message(&open(), &World::new().look(0)));
}

#[test]
fn alert_acknowledged() {
    see("alert_acknowledged", &alert::message(&acknowledged(), &World::new().look(3)));
}

#[test]
fn alert_resolved() {
    let resolved = resolved(Some("Change CHG-1042 covers it.\nThe rule does not know of it."));
    see("alert_resolved", &alert::message(&resolved, &World::new().look(26)));
}

#[test]
fn alert_in_other_states() {
    let world = World::new();
    let look = world.look(30);
    let assigned =
        |alert, to: &str| after(alert, 5, person("U0CARL"), Event::Assigned { to: to.into() });
    let seen = |alert| {
        after(alert, 6, source(), Event::Repeated { severity: Severity::High, occurred_at: None })
    };
    let told = notified(told(Way::Dm, &["U0BEA", "U0CARL"], &[]));
    let closed = after(open(), 20, source(), Event::Ceased {});
    let mut strict = received();
    strict.treated.within = Some(Duration::from_secs(60));
    let late = after(alert_of(strict, Some(content())), 5, person("U0BEA"), Event::Acknowledged {});
    let late = after(late, 9, person("U0BEA"), Event::Resolved { disposition: None });
    let mut early = received();
    early.suppressed_by = Some(Suppression::ResolvedBeforeSeen);
    early.status = crate::domain::alert::Status::Resolved;
    let mut test = received();
    (test.test, test.previous) = (true, Some(ID.into()));
    let erased = alert_of(received(), None);
    let next_day = after(open(), 1500, person("U0BEA"), Event::Acknowledged {});
    let cases = [
        ("assigned, not acknowledged", assigned(open(), "U0BEA")),
        ("seen three times, people told", after(seen(seen(open())), 8, Actor::System, told)),
        ("acknowledged by one, assigned to another", assigned(acknowledged(), "U0DEV")),
        ("acknowledged the next day", next_day),
        ("reopened after an acknowledgement", reopened(acknowledged(), 7, State::Acknowledged)),
        ("reopened after a resolution", reopened(resolved(None), 28, State::Resolved)),
        ("closed by the source, untouched", closed.clone()),
        ("reopened after the source closed it", reopened(closed, 22, State::Resolved)),
        ("resolved too late for the policy", late),
        ("over before it was seen", alert_of(early, Some(content()))),
        ("a test", alert_of(test, Some(content()))),
        ("erased", erased),
    ];
    let late = alert::post(&acknowledged(), &look);
    assert_eq!(crate::slack::view::checks::mentions(&late.arguments()), [].into(), "rings nobody");
    let texts = cases.map(|(name, a)| (name.to_owned(), alert::message(&a, &look)));
    see_texts("alert_other_states", &texts);
}

#[test]
fn alert_with_much_of_everything() {
    let mut content = content();
    content.title = "A title that goes on and on, ".repeat(12);
    content.description = Some("A line of the description.\n".repeat(40));
    for (name, values) in content.entities.kinds_mut() {
        *values = (0..17).map(|i| format!("{name}-{i}.example.com")).collect();
    }
    let alert = alert_of(received(), Some(content));
    let world = World::new();
    see_texts(
        "alert_much",
        &[
            ("in the channel".to_owned(), alert::message(&alert, &world.look(0))),
            ("shown to who asked".to_owned(), reply::show(&alert, &world.look(0))),
        ],
    );
}

#[test]
fn alert_that_lies() {
    let mut content = content();
    content.title =
        "<!channel> *All clear* <https://evil.example|Approve> \u{202e}gnp.exe".to_owned();
    content.entities.hosts = vec!["prod\u{200b}-db-1".to_owned(), "<@U0ALICE>\0".to_owned()];
    content.url = Some("https://kibana.example.com@evil.example/".to_owned());
    content.description = Some("a\u{1b}[2Jb\n\n\n\n> quoted `code` :fire: @here".to_owned());
    let alert = alert_of(received(), Some(content));
    see("alert_lies", &alert::message(&alert, &World::new().look(0)));
}

fn every_event() -> Vec<(u64, Actor, Event)> {
    let dm = |people: &[&str]| told(Way::Dm, people, &[]);
    let elsewhere = told(Way::Channel(ChannelRef("#sec-leads".to_owned())), &[], &[]);
    let asleep = Event::Notified {
        told: dm(&["U0BEA"]),
        channel: "D1".into(),
        ts: "2.1".into(),
        how: Sent::PossiblyTwice,
        reach: Reach::DoNotDisturb,
    };
    let many = ["U0ALICE", "U0BEA", "U0CARL", "U0DEV", "U0EVE", "U0FAY", "U0GUS"];
    let nobody = Told { round: 1, ..dm(&[]) };
    vec![
        (0, source(), Event::Received(Box::new(received()))),
        (
            0,
            Actor::System,
            Event::Shown {
                channel: "C0SOC".into(),
                ts: "1.1".into(),
                how: Sent::Adopted,
                again: false,
            },
        ),
        (0, Actor::System, Event::NotShown { why: "is_archived".to_owned() }),
        (1, source(), Event::Repeated { severity: Severity::High, occurred_at: None }),
        (5, Actor::System, Event::Escalated { told: dm(&many) }),
        (5, Actor::System, notified(dm(&["U0BEA", "U0CARL"]))),
        (5, Actor::System, asleep),
        (5, Actor::System, notified(elsewhere.clone())),
        (5, Actor::System, Event::NotTold { told: elsewhere, why: "channel_not_found".to_owned() }),
        (6, Actor::System, Event::NobodyMeant { round: 1, level: 3, rung: nobody.rung, repeat: 0 }),
        (7, person("U0CARL"), Event::Assigned { to: "U0DEV".into() }),
        (12, Actor::System, Event::Returned { from: "U0DEV".into() }),
        (13, person("U0BEA"), Event::Acknowledged {}),
        (
            14,
            person("U0NEW"),
            Event::Refused { action: Action::Resolve, refusal: Refusal::OwnCase },
        ),
        (14, person("U0BEA"), Event::Asked { action: Action::ResolveForm }),
        (20, person("U0CARL"), Event::Reopened { from: State::Acknowledged }),
        (22, Actor::Os("root".to_owned()), Event::Resolved { disposition: None }),
        (23, source(), Event::Ceased {}),
        (
            26,
            person("U0CARL"),
            Event::Resolved { disposition: Some(crate::domain::alert::Disposition::FalsePositive) },
        ),
    ]
}

#[test]
fn several_in_one_message() {
    let (one, two, three) = (open(), acknowledged(), resolved(None));
    let alerts = [&one, &two, &one, &three];
    let told = |how| told(how, &["U0BEA"], &["S0BLUE"]);
    let (dm, thread) = (told(Way::Dm), told(Way::Thread));
    let each = |told| [(told, &one), (told, &one)];
    let world = World::new();
    let look = world.look(26);
    see("digest", &digest::message(&alerts, &look));
    see_texts(
        "digest_other_cases",
        &[
            ("by direct message".to_owned(), digest::notify(&each(&dm), &look)),
            ("in the thread".to_owned(), digest::notify(&each(&thread), &look)),
            ("brought up to date".to_owned(), digest::copy(&alerts[1..], &look)),
        ],
    );
}

#[test]
fn thread_lines() {
    let lines: Vec<Line> = every_event()
        .into_iter()
        .map(|(minutes, actor, event)| Line { at: at(minutes), actor, event })
        .collect();
    let alert = resolved(Some("Change CHG-1042 covers it."));
    see("lines", &line::lines(&of(&lines, &alert), &World::new().look(26)));
    let many: Vec<Line> = lines.iter().cycle().take(200).cloned().collect();
    assert_eq!(
        faults(&line::lines(&of(&many, &alert), &World::new().look(26))),
        Vec::<String>::new()
    );
}

#[test]
fn notification_by_direct_message() {
    let message = notify::notify(&told(Way::Dm, &["U0BEA"], &[]), &open(), &World::new().look(10));
    see("notify_dm", &message);
}

#[test]
fn notification_in_the_thread() {
    let told = told(Way::Thread, &["U0BEA", "U0CARL", "U0DEV"], &["S0BLUE"]);
    see("notify_thread", &notify::notify(&told, &open(), &World::new().look(5)));
}

#[test]
fn notifications_in_other_cases() {
    let world = World::new();
    let look = world.look(40);
    let dm = told(Way::Dm, &["U0BEA"], &[]);
    let thread = told(Way::Thread, &["U0BEA"], &[]);
    let channel = told(Way::Channel(ChannelRef("#sec-leads".to_owned())), &[], &[]);
    let assigned = after(open(), 5, person("U0CARL"), Event::Assigned { to: "U0BEA".into() });
    let again = Told { repeat: 3, level: 4, ..dm.clone() };
    let reopened = reopened(resolved(None), 28, State::Resolved);
    let cases = [
        ("assigned to who is told", notify::notify(&dm, &assigned, &look)),
        ("at once", notify::notify(&dm, &open(), &world.look(0))),
        ("third repeat", notify::notify(&again, &open(), &look)),
        ("reopened", notify::notify(&dm, &reopened, &look)),
        ("another channel", notify::notify(&channel, &open(), &look)),
        ("another channel, assigned", notify::notify(&channel, &assigned, &look)),
        ("acknowledged before it was sent", notify::notify(&dm, &acknowledged(), &look)),
        (
            "thread, acknowledged before it was sent",
            notify::notify(&thread, &acknowledged(), &look),
        ),
        ("copy, open", notify::copy(&open(), &look)),
        ("copy, acknowledged", notify::copy(&acknowledged(), &look)),
        ("copy, resolved", notify::copy(&resolved(Some("Nothing.")), &look)),
    ];
    see_texts("notify_other_cases", &cases.map(|(name, message)| (name.to_owned(), message)));
}

#[test]
fn forms() {
    let world = World::new();
    let mut strict = received();
    strict.treated.note = vec![Severity::Critical];
    let strict = alert_of(strict, Some(content()));
    see_form("form_resolve", &form::resolve(&open(), &world.look(0)));
    see_form("form_resolve_with_note", &form::resolve(&strict, &world.look(0)));
    see_form("form_assign", &form::assign(&open(), &world.look(0)));
}

#[test]
fn reply_help() {
    see("reply_help", &reply::help());
}

#[test]
fn reply_list() {
    let mut test = alert_of(received(), Some(content()));
    (test.received.test, test.severity) = (true, Severity::Info);
    let alerts = [open(), acknowledged(), alert_of(received(), None), test];
    let items: Vec<ListItem> = alerts.iter().map(ListItem::from).collect();
    let world = World::new();
    let many: Vec<ListItem> = items.iter().cycle().take(25).cloned().collect();
    see("reply_list", &reply::list(&items, 4, &world.look(95)));
    see_texts(
        "reply_list_other_cases",
        &[
            ("none".to_owned(), reply::list(&[], 0, &world.look(0))),
            ("more than fit".to_owned(), reply::list(&many, 61, &world.look(95))),
        ],
    );
}

#[test]
fn reply_coverage() {
    let untreated = |title: Option<&str>, told: &[(u64, &str)]| Untreated {
        alert: ID.into(),
        title: title.map(str::to_owned),
        severity: Severity::Critical,
        state: State::Open,
        received_at: at(0),
        told: told.iter().map(|(minutes, user)| (at(*minutes), (*user).into())).collect(),
    };
    let good = Coverage { received: 3, shown: 3, ..Coverage::default() };
    let told = [(5, "U0BEA"), (10, "U0CARL"), (15, "U0BEA"), (30, "U0DEV")];
    let gaps = Coverage {
        received: 120,
        shown: 110,
        suppressed: vec![("resolved_before_seen".to_owned(), 7)],
        pending: 3,
        tests: 2,
        unlisted: 0,
        since: Some(at(0)),
        untreated: vec![untreated(Some("sudo by alice"), &told), untreated(None, &[])],
    };
    let wrong = Coverage { pending: 4, ..gaps.clone() };
    let many =
        Coverage { untreated: vec![untreated(Some("x"), &told); 12], unlisted: 28, ..gaps.clone() };
    let world = World::new();
    see("reply_coverage", &reply::coverage(&gaps, &world.look(45)));
    see_texts(
        "reply_coverage_other_cases",
        &[
            ("all treated".to_owned(), reply::coverage(&good, &world.look(45))),
            ("does not add up".to_owned(), reply::coverage(&wrong, &world.look(45))),
            ("many untreated".to_owned(), reply::coverage(&many, &world.look(45))),
        ],
    );
}

pub fn every_refusal() -> Vec<Refusal> {
    let by = || "U0BEA".to_owned();
    vec![
        Refusal::NotAllowed { needs: vec!["analyst".into(), "lead".into()] },
        Refusal::NotAllowed { needs: vec![] },
        Refusal::GroupUnknown { groups: vec![UsergroupRef("@blue-team".to_owned())] },
        Refusal::ForeignWorkspace,
        Refusal::Guest,
        Refusal::OwnCase,
        Refusal::NoSuchAlert,
        Refusal::AlreadyAcknowledged { by: by(), at: at(3) },
        Refusal::AlreadyResolved { by: "source:elastic".to_owned(), at: at(20) },
        Refusal::AlreadyOpen,
        Refusal::AlreadyAssigned { to: "U0DEV".into() },
        Refusal::Stale,
        Refusal::Forged,
        Refusal::NoteRequired,
        Refusal::AssigneeMayNot { to: "U0DEV".into() },
        Refusal::UnknownCommand { nearest: None },
        Refusal::UnknownCommand { nearest: Some("list".to_owned()) },
        Refusal::UnknownCommand { nearest: Some("show".to_owned()) },
        Refusal::NoSuchRun,
        Refusal::NoSuchPlaybook,
        Refusal::PlaybookChanged,
        Refusal::NotForThisAlert,
        Refusal::Erased,
        Refusal::NotPlanned { why: "undefined".to_owned(), at: Some("find.hostname".to_owned()) },
        Refusal::NotPlanned { why: "missing".to_owned(), at: Some("reason".to_owned()) },
        Refusal::NotPlanned { why: "too_many".to_owned(), at: None },
        Refusal::AlreadyRunning { run: "run_01JDGQ5R6ZK3V8W9XACEGHJKMN".into() },
        Refusal::NotStarted,
        Refusal::AlreadyStarted,
        Refusal::RunOver,
        Refusal::PlanChanged,
        Refusal::TooLate,
        Refusal::OwnRun,
        Refusal::AlreadyApproved,
        Refusal::AlreadyCancelled,
        Refusal::AlreadyDecided,
        Refusal::AlreadyUndone { run: "run_01JDGQ5R6ZK3V8W9XACEGHJKMN".into() },
        Refusal::NoUndo,
    ]
}

#[test]
fn reply_refused() {
    let world = World::new();
    let look = world.look(30);
    let texts: Vec<(String, Message)> = every_refusal()
        .into_iter()
        .map(|refusal| (format!("{refusal:?}"), reply::refused(&refusal, None, &look)))
        .collect();
    see_texts("reply_refused", &texts);
    see("reply_stale", &reply::refused(&Refusal::Stale, Some(&acknowledged()), &look));
}
