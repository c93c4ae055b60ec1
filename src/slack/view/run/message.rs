//! The run's one message in its alert's thread, brought up to date; and the direct message to who is wanted for it.

use super::{Shown, buttons, plan, risk, steps};
use crate::domain::event::{Told, Way};
use crate::domain::people::Actor;
use crate::domain::playbook::run::event::Doubt;
use crate::domain::playbook::run::{RunState, Turn};
use crate::domain::tool::call::Unsure;
use crate::slack::view::kit::{self, Rich};
use crate::slack::view::mrkdwn::Mrkdwn;
use crate::slack::view::words::Naming;
use crate::slack::view::{Look, Message, permalink, words};
use serde_json::Value;

/// The message as it now is.
pub fn message(shown: &Shown<'_>, look: &Look<'_>) -> Message {
    render(shown, (None, None), look)
}

/// The same as it is posted, and so would ring whoever it mentions.
pub fn post(shown: &Shown<'_>, look: &Look<'_>) -> Message {
    let mut blocks = vec![kit::section(&status(shown, Naming::Handle, look))];
    blocks.extend(rest(shown, look));
    Message::new(&summary(shown), blocks)
}

/// The direct message, or the mention in the thread, for who is wanted.
pub fn notify(told: &Told, shown: &Shown<'_>, look: &Look<'_>) -> Message {
    let mut mentions = Mrkdwn::default();
    if told.how == Way::Thread {
        for person in &told.people {
            mentions = mentions.person(person).say(" ");
        }
        for group in &told.groups {
            mentions = mentions.group(group).say(" ");
        }
    }
    let wanted = match shown.run.state {
        RunState::Waiting => "Your approval is wanted, or that of somebody else who may.",
        RunState::InDoubt => "Somebody must say how this goes on.",
        _ => "This needs nobody any more.",
    };
    // In the thread the alert stands above it.
    let place = place(shown, look).filter(|_| told.how != Way::Thread);
    render(shown, (Some(mentions.say(wanted)), place), look)
}

/// A direct message about the run, brought up to date.
pub fn copy(shown: &Shown<'_>, look: &Look<'_>) -> Message {
    render(shown, (None, place(shown, look)), look)
}

/// With a line before it, and where the alert is.
fn render(
    shown: &Shown<'_>,
    (first, place): (Option<Mrkdwn>, Option<Mrkdwn>),
    look: &Look<'_>,
) -> Message {
    let mut blocks: Vec<Value> = first.iter().map(kit::section).collect();
    blocks.push(kit::section(&status(shown, Naming::Mention, look).maybe(place)));
    blocks.extend(rest(shown, look));
    Message::new(&summary(shown), blocks)
}

/// Which alert it is about, and where its own message stands: a direct message is read beside no thread.
fn place(shown: &Shown<'_>, look: &Look<'_>) -> Option<Mrkdwn> {
    let alert = shown.alert?;
    let which = Mrkdwn::words("\n").name(words::headline(alert));
    let address = look.directory.address.as_deref();
    let link = alert.message.as_ref().zip(address);
    match link.and_then(|(posted, address)| permalink::Permalink::of(posted, address)) {
        Some(link) => Some(which.say(" · ").link(&link, "The alert")),
        None => Some(which),
    }
}

/// One line that says it all: `Isolate a host: waits for an approval`. Not escaped.
fn summary(shown: &Shown<'_>) -> String {
    let state = match shown.run.state {
        RunState::Planned => "planned",
        RunState::Waiting => "waits for an approval",
        RunState::Running => "runs",
        RunState::InDoubt => "a step is in doubt",
        RunState::Done => "done",
        RunState::Failed => "failed",
        RunState::Cancelled => "stopped",
        RunState::Refused => "refused",
    };
    let about = shown.alert.map(|alert| format!(" · {}", words::headline(alert)));
    format!("{}: {state}{}", shown.title(), about.unwrap_or_default())
}

fn status(shown: &Shown<'_>, naming: Naming, look: &Look<'_>) -> Mrkdwn {
    let run = shown.run;
    let line = match run.state {
        RunState::Planned => Mrkdwn::words("📝 *"),
        RunState::Waiting => Mrkdwn::words("✋ *"),
        RunState::Running => Mrkdwn::words("⏳ *"),
        RunState::InDoubt => Mrkdwn::words("❓ *"),
        RunState::Done => Mrkdwn::words("✅ *"),
        RunState::Failed => Mrkdwn::words("❌ *"),
        RunState::Cancelled => Mrkdwn::words("🛑 *"),
        RunState::Refused => Mrkdwn::words("⛔ *"),
    };
    let line = line.name(shown.title()).say("* · ");
    let test = if run.planned.test { "test · " } else { "" };
    let line = line.say(test).then(started(shown, naming, look));
    line.say("\n").then(stands(shown, naming, look))
}

fn started(shown: &Shown<'_>, naming: Naming, look: &Look<'_>) -> Mrkdwn {
    let at = shown.run.started_at.unwrap_or(shown.run.planned_at);
    let at = words::when(at, look.now, look);
    match &shown.run.by {
        Actor::System => Mrkdwn::words("started by itself ").name(at),
        by => Mrkdwn::words("started by ").then(words::by(by, naming, look)).say(" ").name(at),
    }
}

/// What it waits for, or how it ended.
fn stands(shown: &Shown<'_>, naming: Naming, look: &Look<'_>) -> Mrkdwn {
    let run = shown.run;
    let approved = run.approvals.iter().fold(None, |text: Option<Mrkdwn>, mark| {
        let by = words::by(&mark.by, naming, look);
        Some(match text {
            None => Mrkdwn::words("Approved by ").then(by),
            Some(text) => text.say(" and ").then(by),
        })
    });
    let approved = |text: Mrkdwn| match approved.clone() {
        Some(by) => by.say(". ").then(text),
        None => text,
    };
    match run.state {
        RunState::Planned => Mrkdwn::words("Nobody has started it yet."),
        RunState::Waiting => {
            let rule = run.planned.approval.as_ref();
            let by = rule.map_or_else(String::new, |rule| rule.by.to_string());
            let until = run.deadline.map(|at| words::when(at, look.now, look)).unwrap_or_default();
            let wanted = rule.map_or(1, |rule| rule.quorum);
            let given = u32::try_from(run.approvals.len()).unwrap_or(wanted);
            approved(
                Mrkdwn::words("*Waits for ")
                    .name(words::count(
                        (wanted.saturating_sub(given)).into(),
                        "approval",
                        "approvals",
                    ))
                    .say("* by ")
                    .name(by)
                    .say(", not by who started it. Nothing is done until then; at ")
                    .name(until)
                    .say(" it is refused."),
            )
        }
        RunState::Running => approved(Mrkdwn::words("Running.")),
        RunState::InDoubt => question(shown),
        RunState::Done => approved(Mrkdwn::words("Done.")),
        RunState::Failed | RunState::Refused => approved(ended(shown, naming, look)),
        RunState::Cancelled => match &run.cancelled {
            Some(mark) => {
                Mrkdwn::words("Stopped by ").then(words::by(&mark.by, naming, look)).say(".")
            }
            None => Mrkdwn::words("Nobody started it."),
        },
    }
}

fn ended(shown: &Shown<'_>, naming: Naming, look: &Look<'_>) -> Mrkdwn {
    let run = shown.run;
    match (&run.declined, &run.failure) {
        (Some(mark), _) => Mrkdwn::words("Refused by ")
            .then(words::by(&mark.by, naming, look))
            .say(". Nothing was done."),
        (None, Some(failure)) => {
            Mrkdwn::words("It ended at the step ").code(&failure.step).say(": see below.")
        }
        (None, None) => Mrkdwn::words("Nobody approved it in time. Nothing was done."),
    }
}

/// What somebody is asked.
fn question(shown: &Shown<'_>) -> Mrkdwn {
    let Some((call, turn)) = shown.run.in_question() else {
        return Mrkdwn::words("The tool is asked whether the step happened.");
    };
    let found = turn.uses.as_ref().and_then(|uses| shown.catalogue.find(uses));
    let title = found.map_or_else(|| call.step.to_string(), |(_, action)| action.title.clone());
    let tool = found.map_or("the tool", |(tool, _)| tool.title.as_str());
    let step = Mrkdwn::words("*“").name(title).say("”");
    let several = turn.answered.as_ref().and_then(|answered| answered.found.as_ref());
    match turn.doubt {
        Some(Doubt::NoneFound) => step.say(" found nothing.* It needs one to go on."),
        Some(Doubt::SeveralFound) => step
            .say(" found ")
            .say(if several.is_some_and(|found| found.more) { "at least " } else { "" })
            .name(several.map_or(0, |found| found.count))
            .say(", and one is expected.* Which is it? The first is never taken unasked."),
        Some(Doubt::Unsure(_)) | None => step
            .say(" may or may not have happened*: ")
            .say(unsure(turn))
            .say(". Nothing more is done until somebody says. Look in ")
            .name(tool)
            .say(", then press."),
    }
}

/// Why nobody knows.
fn unsure(turn: &Turn) -> &'static str {
    match turn.doubt {
        Some(Doubt::Unsure(Unsure::TimedOut)) => "no answer came in time",
        Some(Doubt::Unsure(Unsure::Broken)) => "the answer was lost on its way",
        Some(Doubt::Unsure(Unsure::ServerError)) => "the tool broke over it",
        Some(Doubt::Unsure(Unsure::Crashed)) => "I died before the answer came",
        Some(Doubt::NoneFound | Doubt::SeveralFound) | None => "nobody heard how it ended",
    }
}

/// The steps, and what can be done.
fn rest(shown: &Shown<'_>, look: &Look<'_>) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    if shown.run.state == RunState::Waiting {
        let worst = Rich::line()
            .say("What it will do, at worst ")
            .say(risk(shown.run.planned.risk))
            .say(":");
        let mut rows = vec![worst];
        rows.extend(plan::rows(shown));
        let answers = plan::answers(shown);
        blocks.extend(kit::rich_text(vec![Rich::rows(answers)]));
        blocks.extend(kit::rich_text(vec![Rich::rows(rows)]));
    } else {
        blocks.extend(kit::rich_text(vec![Rich::rows(steps::rows(shown))]));
    }
    blocks.extend(buttons::row(shown, look));
    blocks
}
