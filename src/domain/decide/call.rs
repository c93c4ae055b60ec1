//! A call of a run: whether it may be made now, and what comes of it.

use super::{Decision, Subject};
use crate::domain::alert::lifecycle::Mark;
use crate::domain::event::{Event, Fact, Private, Stream};
use crate::domain::input::{Answer, CallDue, Clearance, Cleared};
use crate::domain::playbook::run::advance::BLIND;
use crate::domain::playbook::run::advance::{Going, ours, pause};
use crate::domain::playbook::run::event::*;
use crate::domain::playbook::run::gate::{self, Around, Gate, Pinned, Prepared};
use crate::domain::playbook::run::{Run, RunState, StepState, Turn, ends};
use crate::domain::playbook::{Expect, Step, What};
use crate::domain::policy::Context;
use crate::domain::time::Timestamp;
use crate::domain::tool::call::{Answered, Called, Failed, Permit, Unsure, Why};
use crate::domain::tool::{Action, Values};
use std::time::Duration;

/// A tool that wants to hear nothing for a while is listened to so often, whatever the step's `retry` says.
const LIMITED: u32 = 5;
/// The longest that a tool can make us wait for the next try.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The call's turn has come: it may be made, or is not wanted any more, or nobody knows whether it was made already.
pub(super) fn due(
    context: &Context<'_>,
    subject: &Subject<'_>,
    wanted: &CallDue,
    now: Timestamp,
) -> Decision {
    let Some((run, turn)) = subject.run.and_then(|run| Some((run, run.current(&wanted.call)?)))
    else {
        return Decision::nothing();
    };
    let Some(pinned) = subject.pinned else { return lost(run, &wanted.call) };
    let stands = matches!(run.state, RunState::Running | RunState::InDoubt);
    match (wanted.purpose, turn.state) {
        (Purpose::Check, StepState::InDoubt) if turn.checking && stands => {
            check(context, (subject, pinned), run, (wanted, now))
        }
        (Purpose::Act, StepState::Started) => {
            let mut going = Going::new((context, pinned), run, subject.alert, ours(now));
            going.doubt(&wanted.call, Unsure::Crashed, "I was stopped while it was under way.");
            Decision::of(going.facts())
        }
        (Purpose::Act, StepState::Planned)
            if stands && pinned.may_begin(run, &wanted.call.step) =>
        {
            let around = Around {
                policy: context.policy,
                destructive: subject.destructive,
                now,
                names: wanted.names.as_deref(),
            };
            match gate::admit(run, pinned, &wanted.call, &around) {
                Gate::Identify(looks) => {
                    Decision::answered(Cleared::of(Clearance::Identify(looks)))
                }
                Gate::Go { permit, request } => go(run, &wanted.call, (permit, request)),
                Gate::Refuse(fault, why) => {
                    let going = Going::new((context, pinned), run, subject.alert, ours(now));
                    refuse(going, pinned, &wanted.call, (fault, why))
                }
            }
        }
        _ => Decision::nothing(),
    }
}

fn go(run: &Run, call: &CallId, (permit, request): (Permit, String)) -> Decision {
    let risk = permit.action().risk_of(permit.with());
    let event = RunEvent::StepStarted {
        call: call.clone(),
        uses: crate::domain::tool::Uses {
            tool: permit.tool().name.clone(),
            action: permit.action().name.clone(),
        },
        risk,
        request,
    };
    let facts = vec![(Stream::Run(run.id.clone()), Event::Run(event).into())];
    Decision {
        answer: Some(Answer::Call(Cleared::of(Clearance::Go(permit)))),
        ..Decision::of(facts)
    }
}

fn refuse(
    mut going: Going<'_>,
    pinned: &Pinned,
    call: &CallId,
    fault: (Fault, String),
) -> Decision {
    if let Some(step) = pinned.playbook.step(&call.step) {
        going.fail(step, call.clone(), fault);
    }
    Decision::of(going.facts())
}

/// The playbook that the run is pinned to is not to be read any more: it ends here.
fn lost(run: &Run, call: &CallId) -> Decision {
    let failed = RunEvent::StepFailed {
        call: call.clone(),
        why: Fault::ToolChanged,
        again: false,
        ends: true,
    };
    let said = "its playbook, as it was when this was planned, cannot be read any more".to_owned();
    let stream = Stream::Run(run.id.clone());
    let first = Fact { event: Event::Run(failed), private: Some(Private::Said { said }) };
    let last = Event::Run(RunEvent::Ended { end: End::Refused }).into();
    Decision::of(vec![(stream.clone(), first), (stream, last)])
}

/// The look that tells whether it happened.
fn check(
    context: &Context<'_>,
    (subject, pinned): (&Subject<'_>, &Pinned),
    run: &Run,
    (wanted, now): (&CallDue, Timestamp),
) -> Decision {
    let look = gate::prepare(run, pinned, &wanted.call).ok().and_then(|prepared| look(&prepared));
    match look {
        Some(permit) => Decision::answered(Cleared::of(Clearance::Go(permit))),
        None => {
            let going = Going::new((context, pinned), run, subject.alert, ours(now));
            still_in_doubt(going, run, (&wanted.call, "The tool cannot be asked."))
        }
    }
}

fn look(prepared: &Prepared<'_>) -> Option<Permit> {
    let verify = prepared.action.verify.as_ref()?;
    let with = verify.look.inputs(&prepared.with, &Values::new()).ok()?;
    Permit::read(&prepared.tool, &verify.look.action, with, prepared.call.timeout)
}

fn still_in_doubt(mut going: Going<'_>, run: &Run, (call, why): (&CallId, &str)) -> Decision {
    let doubt = run.current(call).and_then(|turn| turn.doubt);
    let doubt = doubt.unwrap_or(Doubt::Unsure(Unsure::Crashed));
    going.ask(call, doubt, Some(Private::Said { said: why.to_owned() }));
    Decision::of(going.facts())
}

/// A call has ended, in whichever way.
pub(super) fn ended(
    context: &Context<'_>,
    subject: &Subject<'_>,
    (call, purpose): (&CallId, Purpose),
    (called, now): (&Called, Timestamp),
) -> Decision {
    let Some((run, turn)) = subject.run.and_then(|run| Some((run, run.current(call)?))) else {
        return Decision::nothing();
    };
    let Some(pinned) = subject.pinned else { return lost(run, call) };
    let of = Ended { context, subject, pinned, run, turn, call, now };
    match (purpose, turn.state) {
        (Purpose::Check, StepState::InDoubt) if turn.checking => of.checked(called),
        (Purpose::Act, StepState::Started) => of.acted(called),
        _ => Decision::nothing(),
    }
}

struct Ended<'a> {
    context: &'a Context<'a>,
    subject: &'a Subject<'a>,
    pinned: &'a Pinned,
    run: &'a Run,
    turn: &'a Turn,
    call: &'a CallId,
    now: Timestamp,
}

impl Ended<'_> {
    fn going(&self) -> Going<'_> {
        let mark: Mark = ours(self.now);
        Going::new((self.context, self.pinned), self.run, self.subject.alert, mark)
    }

    fn step(&self) -> Option<(&Step, &crate::domain::playbook::Call)> {
        let step = self.pinned.playbook.step(&self.call.step)?;
        match &step.what {
            What::Use(call) => Some((step, call)),
            What::Say(_) | What::Alert(_) => None,
        }
    }

    fn acted(&self, called: &Called) -> Decision {
        match called {
            Called::Answered(answered) => self.answered(answered),
            Called::Failed(failed) => self.failed(failed),
            Called::Unsure { why, message } => {
                let mut going = self.going();
                going.doubt(self.call, *why, message);
                Decision::of(going.facts())
            }
        }
    }

    fn answered(&self, answered: &Answered) -> Decision {
        let private = Some(Private::Answered(Box::new(answered.clone())));
        let expect = self.step().map_or(Expect::Any, |(_, call)| call.expect);
        let doubt = answered.found.as_ref().and_then(|found| match (expect, found.count) {
            (Expect::One | Expect::Some, 0) => Some(Doubt::NoneFound),
            (Expect::One, 1) if found.is_whole() => None,
            (Expect::One, _) => Some(Doubt::SeveralFound),
            (Expect::Some | Expect::Any, _) => None,
        });
        let mut going = self.going();
        if let Some(why) = doubt {
            going.ask(self.call, why, private);
            return Decision::of(going.facts());
        }
        let how = if answered.already { Finish::Already } else { Finish::Answered };
        let event = RunEvent::StepDone { call: self.call.clone(), how };
        Decision::of(going.then(event, private).facts())
    }

    fn failed(&self, failed: &Failed) -> Decision {
        let (on_error, retry) = match self.step() {
            Some((step, call)) => (step.on_error, call.retry),
            None => return lost(self.run, self.call),
        };
        let tries = match failed.why {
            Why::Limited => retry.times.max(LIMITED),
            Why::NotSent | Why::Broken => retry.times,
            Why::Egress | Why::Unauthorised | Why::Refused | Why::Unreadable => 0,
        };
        let again = self.turn.retries < tries && self.pinned.may_begin(self.run, &self.call.step);
        let fault = Fault::Call(failed.why);
        let main = self.pinned.playbook.steps.iter().any(|step| step.id == self.call.step);
        let event = RunEvent::StepFailed {
            call: self.call.clone(),
            why: fault,
            again,
            ends: !again && main && ends(on_error, fault),
        };
        let going = self.going().then(event, Some(Private::Said { said: failed.message.clone() }));
        if !again {
            return Decision::of(going.facts());
        }
        let wanted = failed.retry_after_ms.map(Duration::from_millis);
        let wait = wanted.unwrap_or_else(|| pause(retry.wait, self.turn.retries)).min(LONGEST);
        let call = CallId { attempt: self.call.attempt + 1, ..self.call.clone() };
        let next = RunEvent::CallWanted { call, after: self.now + wait, purpose: Purpose::Act };
        Decision::of(going.then(next, None).facts())
    }

    /// The tool was asked whether it happened.
    fn checked(&self, called: &Called) -> Decision {
        let Called::Answered(answered) = called else {
            let why = "The tool could not be asked whether it happened.";
            return still_in_doubt(self.going(), self.run, (self.call, why));
        };
        let happened = gate::prepare(self.run, self.pinned, self.call).ok().and_then(|prepared| {
            prepared.action.verify.as_ref()?.happened(&prepared.with, &answered.out).ok()
        });
        let going = self.going();
        let call = self.call.clone();
        match happened {
            Some(true) => Decision::of(
                going.then(RunEvent::StepDone { call, how: Finish::Verified }, None).facts(),
            ),
            Some(false) if self.call.attempt >= BLIND => {
                let why = "It was tried again and again, and the tool says that it did not happen.";
                still_in_doubt(going, self.run, (self.call, why))
            }
            Some(false) => {
                let again = RunEvent::StepDecided { call, choice: Choice::Again };
                Decision::of(going.then(again, None).facts())
            }
            None => {
                let why = "The tool does not tell whether it happened.";
                still_in_doubt(going, self.run, (self.call, why))
            }
        }
    }
}

impl Pinned {
    /// The action of a step, where it is a call.
    pub fn action_of(&self, step: &crate::domain::ids::StepId) -> Option<std::sync::Arc<Action>> {
        let What::Use(call) = &self.playbook.step(step)?.what else { return None };
        self.catalogue.find(&call.uses).map(|(_, action)| action.clone())
    }
}
