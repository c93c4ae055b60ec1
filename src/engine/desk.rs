//! One input at the writer's desk: what it is about is loaded, decided, recorded, and what follows from it written down.

use crate::domain::alert::dedup;
use crate::domain::alert::lifecycle::{Alert, Posted};
use crate::domain::decide::{self, Decision, decide};
use crate::domain::effect::Effect;
use crate::domain::event::{Entry, Event, Fact, Stream};
use crate::domain::ids::BootId;
use crate::domain::input::*;
use crate::domain::names::{Meaning, Sort};
use crate::domain::people::{Actor, Roles};
use crate::domain::policy::Context;
use crate::domain::react::{react, react_run};
use crate::domain::time::Timestamp;
use crate::domain::unrecorded::Whose;
use crate::engine::about::{About, Streams, playbook_of, run_of, undone_by};
use crate::engine::lanes;
use crate::engine::pins::Pins;
use crate::fresh;
use crate::inbox::{Item, RefusedBody, StrangeFrame};
use crate::store::journal::{self, Circumstances, Head};
use crate::store::projections::Folded;
use crate::store::{alerts, due, end, inputs, outbox, places, projections, refused, runs};
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// One entry never leads to as many effects of its own.
const MATES: usize = 32_768;

/// Where one input is worked on: inside the batch's transaction, at one moment, under one policy.
pub(super) struct Desk<'a> {
    pub(super) connection: &'a Connection,
    pub(super) context: Context<'a>,
    pub(super) boot: &'a BootId,
    pub(super) now: Timestamp,
    pub(super) pins: &'a Pins,
}

impl Desk<'_> {
    fn take(&self, item: &Item, head: &mut Head) -> rusqlite::Result<Answer> {
        match item {
            Item::Input(delivery, _) => self.handle(delivery, head),
            Item::Named(meanings) => {
                let mut all = meanings.iter();
                all.try_for_each(|meaning| places::keep_name(self.connection, meaning))?;
                Ok(Answer::Done)
            }
            Item::Refused(RefusedBody { source, why, body }) => {
                let refused = refused::Refused { source: source.as_str(), why, body };
                refused::keep(self.connection, self.now, &refused)?;
                Ok(Answer::Done)
            }
            Item::Try(rows, _) => {
                rows.iter().try_for_each(|row| outbox::try_now(self.connection, *row))?;
                Ok(Answer::Done)
            }
            Item::Strange(StrangeFrame { kind, frame }) => {
                let body = frame.as_bytes();
                let strange = refused::Refused { source: refused::SLACK, why: kind, body };
                refused::keep(self.connection, self.now, &strange)?;
                Ok(Answer::Done)
            }
            // An empty transaction would commit on a full disk too.
            Item::Ping(_) => end::note(self.connection, head).map(|()| Answer::Done),
        }
    }

    /// A panic is a defect of ours in one input: it is not recorded, and the others are.
    pub(super) fn take_safely(&self, item: &Item, head: &mut Head) -> rusqlite::Result<Answer> {
        let taken = catch_unwind(AssertUnwindSafe(|| self.take(item, head)));
        taken.unwrap_or_else(|_| {
            metrics::counter!("vigie_writer_panics_total").increment(1);
            Err(rusqlite::Error::ToSqlConversionFailure("recording an input panicked".into()))
        })
    }

    fn handle(&self, delivery: &Delivery, head: &mut Head) -> rusqlite::Result<Answer> {
        if let Some(key) = &delivery.key
            && let Some(first) = inputs::seen(self.connection, key)?
        {
            return Ok(first);
        }
        if let Input::Outcome(outcome) = &delivery.input
            && !self.settle(outcome)?
        {
            return Ok(Answer::Done);
        }
        let about = self.about(&delivery.input)?;
        let decision = decide(&self.context, about.subject(), delivery);
        self.record(delivery, &decision, about, head)?;
        if let Input::Outcome(outcome) = &delivery.input {
            self.let_go(outcome, &decision)?;
        }
        let answer = decide::answer(&delivery.input, &decision);
        if let Some(key) = &delivery.key {
            inputs::remember(self.connection, key, (head.seq, delivery.at), &answer)?;
        }
        Ok(answer)
    }

    /// Brings the outbox up to date with an outcome; false where its row is gone, so that it was told before.
    fn settle(&self, outcome: &Outcome) -> rusqlite::Result<bool> {
        let stood = outbox::stands(self.connection, outcome.row.0)?;
        self.settle_row(outcome)?;
        if let (Done::Shown { as_of, .. }, Some(alert)) = (&outcome.result, outcome.effect.alert())
        {
            outbox::update_is_done(self.connection, alert, *as_of)?;
        }
        Ok(stood)
    }

    fn settle_row(&self, outcome: &Outcome) -> rusqlite::Result<()> {
        let row = outcome.row;
        match (&outcome.result, &outcome.effect) {
            (Done::Again { again, uncertain }, _) => {
                outbox::postpone(self.connection, row.0, (*again, *uncertain))
            }
            (Done::Apart, _) => outbox::set_alone(self.connection, row.0),
            // An alert's message is never given up: the bot may be invited, the channel unarchived. What stands beside it may
            // go with it to another place.
            (Done::Failed { again: Some(again), .. }, _) => {
                outbox::postpone(self.connection, row.0, (*again, false))
            }
            _ => outbox::finish(self.connection, row),
        }
    }

    /// What was refused beside the alert's message stays where the message is shown elsewhere, or waits for its place.
    fn let_go(&self, outcome: &Outcome, decision: &Decision) -> rusqlite::Result<()> {
        let has = |is_it: fn(&Event) -> bool| decision.facts.iter().any(|fact| is_it(&fact.event));
        let stays = has(|event| matches!(event, Event::Displaced { .. }))
            || (has(|event| matches!(event, Event::NotShown { .. }))
                && !has(|event| matches!(event, Event::NotTold { .. })));
        let refused = matches!(outcome.result, Done::Failed { again: Some(_), .. });
        if refused && lanes::needs_message(&outcome.effect) && !stays {
            outbox::finish(self.connection, outcome.row)?;
        }
        Ok(())
    }

    /// All that the input is about.
    fn about(&self, input: &Input) -> rusqlite::Result<About> {
        let mut about = About::default();
        if let Some(id) = run_of(input) {
            about.run = runs::load(self.connection, id)?;
        }
        about.alert = match about.run.as_ref().and_then(|run| run.planned.alert.as_ref()) {
            Some(id) => alerts::load(self.connection, id)?,
            None => self.alert(input)?,
        };
        about.pinned = about.run.as_ref().and_then(|run| self.pins.of(run, self.context.policy));
        if let (Input::Click(click), Some(run), Some(pinned)) = (input, &about.run, &about.pinned)
            && let Act::UndoRun { .. } = click.act
        {
            about.undo = self.pins.undo(run, pinned);
        }
        if let (Some(alert), Some(playbook)) =
            (&about.alert, playbook_of(input, about.run.as_ref()))
        {
            about.live = runs::live(self.connection, &alert.id, playbook)?;
        }
        if let (Some(alert), Some(run)) = (&about.alert, &about.run)
            && let Some(of) = undone_by(input, run)
        {
            about.undone = runs::undoing(self.connection, &alert.id, (of, &run.id))?;
        }
        if let (Input::Moment(Moment::CallDue(_)), Some((most, within))) =
            (input, self.context.policy.limits.destructive)
        {
            about.destructive = runs::destructive(self.connection, self.now - within, most)?;
        }
        Ok(about)
    }

    fn alert(&self, input: &Input) -> rusqlite::Result<Option<Alert>> {
        let id = match input {
            Input::Alert(incoming) => {
                let fingerprint =
                    dedup::fingerprint(&incoming.source, &incoming.alert.dedup_key, incoming.test);
                return alerts::newest_of(self.connection, &fingerprint);
            }
            Input::Click(click) => match &click.binding {
                Binding::Good { alert, .. } | Binding::Named { alert } => alert,
                Binding::Run { .. } | Binding::NamedRun { .. } | Binding::Forged => {
                    return Ok(None);
                }
            },
            Input::Command(command) => match &command.verb {
                Verb::Show { alert } => alert,
                Verb::Help | Verb::List | Verb::Runs | Verb::Coverage | Verb::Unknown { .. } => {
                    return Ok(None);
                }
            },
            Input::Moment(Moment::Unrecorded { whose: Whose::Alert(alert), .. }) => alert,
            Input::Moment(Moment::Unrecorded { whose: Whose::Newest(fingerprint), .. }) => {
                return alerts::newest_of(self.connection, fingerprint);
            }
            Input::Moment(Moment::MessageDeleted { channel, ts }) => {
                return places::shown_by(self.connection, (channel, ts));
            }
            Input::Moment(
                Moment::Due { alert }
                | Moment::PlaceClosed { alert, .. }
                | Moment::Departed { alert },
            ) => alert,
            Input::Moment(
                Moment::Started { .. }
                | Moment::Configured { .. }
                | Moment::Stopping
                | Moment::RunDue { .. }
                | Moment::CallDue(_),
            ) => return Ok(None),
            Input::Outcome(outcome) => match (outcome.effect.alert(), &outcome.result) {
                (
                    Some(alert),
                    Done::Shown { .. }
                    | Done::Told { .. }
                    | Done::Failed { .. }
                    | Done::Triggered { .. },
                ) => alert,
                _ => return Ok(None),
            },
        };
        alerts::load(self.connection, id)
    }

    /// Appends the facts, folds them, and writes down what follows from them.
    fn record(
        &self,
        delivery: &Delivery,
        decision: &Decision,
        about: About,
        head: &mut Head,
    ) -> rusqlite::Result<()> {
        let actor = delivery.input.actor();
        let roles = match &actor {
            Actor::Person(user) => self.context.roles_of(user).0,
            Actor::Os(name) => self.context.roles_of_os(name),
            Actor::System | Actor::Source(_) => Roles::default(),
        };
        let mut streams = Streams::of(about);
        for (stream, fact) in decision.all() {
            let around = Circumstances {
                at: delivery.at,
                boot: self.boot,
                actor: &actor,
                roles: &roles,
                via: delivery.input.via(),
                cause: delivery.key.as_ref().map(|key| key.as_str()),
                salt: fresh::bytes(),
            };
            let before = streams.take(stream);
            let after =
                self.record_one((stream, fact), &around, (before, &delivery.input), head)?;
            streams.keep(stream, after);
        }
        if matches!(delivery.input, Input::Moment(_)) && decision.facts.is_empty() {
            streams.touch(&decision.stream);
        }
        self.note_due(&streams)
    }

    /// When whatever has changed is to be looked at next.
    fn note_due(&self, streams: &Streams) -> rusqlite::Result<()> {
        for (stream, folded) in streams.changed() {
            match stream {
                Stream::Alert(id) => {
                    let next = folded
                        .alert()
                        .and_then(|alert| decide::next(&self.context, alert, self.now));
                    due::set(self.connection, id, next.map(|due| due.at))?;
                }
                Stream::Run(id) => {
                    let next = folded
                        .run()
                        .and_then(|run| decide::run::next(&self.context, run, self.now));
                    runs::set_due(self.connection, id, next)?;
                }
                Stream::System => {}
            }
        }
        Ok(())
    }

    fn record_one(
        &self,
        fact: (&Stream, &Fact),
        around: &Circumstances<'_>,
        (before, input): (Folded, &Input),
        head: &mut Head,
    ) -> rusqlite::Result<Folded> {
        let entry = journal::append(self.connection, head, fact, around)?;
        let after = before.clone().with(&entry);
        projections::project(self.connection, &entry, &after)?;
        self.rearrange(&entry, before.alert(), after.alert())?;
        let effects = match &after {
            Folded::Run(run) => react_run(&entry, before.run(), run, input.reply_to()),
            Folded::Alert(_) | Folded::Nothing => {
                react(&entry, before.alert(), after.alert(), input.reply_to())
            }
        };
        let other = match after.run().and_then(|run| run.planned.alert.as_ref()) {
            Some(id) if !effects.is_empty() => alerts::load(self.connection, id)?,
            _ => None,
        };
        let alert = after.alert().or(other.as_ref());
        for (index, effect) in effects.iter().enumerate() {
            let (lane, priority) = lanes::place(effect, alert, after.run());
            let needs_message = lanes::needs_message(effect);
            let stands = alert.is_some_and(|alert| alert.message.is_some() && !alert.is_stuck());
            let new = outbox::New {
                effect,
                lane,
                priority,
                needs_message,
                parked: needs_message && !stands,
                seq: entry.seq,
                index,
            };
            outbox::want(self.connection, &new)?;
        }
        Ok(after)
    }

    /// What waits already follows the alert: beside its message, and as urgent as it has become.
    fn rearrange(
        &self,
        entry: &Entry,
        before: Option<&Alert>,
        after: Option<&Alert>,
    ) -> rusqlite::Result<()> {
        let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
        match &entry.event {
            Event::Shown { .. } => {
                outbox::unpark(self.connection, &after.id)?;
                self.bring_its_runs(entry, after)?;
            }
            Event::MessageLost { .. } | Event::Displaced { .. } => {
                outbox::park(self.connection, &after.id)?;
            }
            Event::NotShown { .. } if after.is_stuck() => {
                outbox::park(self.connection, &after.id)?;
            }
            _ => {}
        }
        if before.place() != after.place() {
            let lanes = (before.place().0.as_str(), after.place().0.as_str());
            let at_once = matches!(entry.event, Event::Displaced { .. });
            places::move_rows(self.connection, &after.id, lanes, at_once)?;
        }
        // Shown under its name, the name is known to mean this channel.
        if let Event::Shown { channel, .. } = &entry.event
            && after.displaced.is_none()
            && after.received.channel.id().is_none()
        {
            let (name, id) = (after.received.channel.0.clone(), channel.to_string());
            places::keep_name(self.connection, &Meaning { sort: Sort::Channel, name, id })?;
        }
        if let (Event::MessageLost { .. }, Some(posted)) = (&entry.event, &before.message) {
            self.ask_about_its_mates(entry, posted)?;
        }
        if after.severity < before.severity {
            let by = lanes::urgency(before.severity) - lanes::urgency(after.severity);
            outbox::hurry(self.connection, &after.id, by)?;
        }
        Ok(())
    }

    /// Runs that have not ended go where the alert is shown: each finds out for itself that it stands elsewhere.
    fn bring_its_runs(&self, entry: &Entry, alert: &Alert) -> rusqlite::Result<()> {
        for (index, run) in runs::unended_of(self.connection, &alert.id)?.into_iter().enumerate() {
            let effect = Effect::UpdateRun { run, alert: alert.id.clone() };
            let (lane, priority) = lanes::place(&effect, Some(alert), None);
            let new = outbox::New {
                effect: &effect,
                lane,
                priority,
                needs_message: false,
                parked: false,
                seq: entry.seq,
                // Behind what follows from the entry itself.
                index: MATES + index,
            };
            outbox::want(self.connection, &new)?;
        }
        Ok(())
    }

    /// A message that is gone may have shown others too: each finds that out when it is to be brought up to date.
    fn ask_about_its_mates(&self, entry: &Entry, posted: &Posted) -> rusqlite::Result<()> {
        for (index, mate) in alerts::named_in(self.connection, posted)?.iter().enumerate() {
            let effect = Effect::Update { alert: mate.id.clone() };
            let (lane, priority) = lanes::place(&effect, Some(mate), None);
            let new = outbox::New {
                effect: &effect,
                lane,
                priority,
                needs_message: true,
                parked: false,
                seq: entry.seq,
                // Behind what follows from the entry itself.
                index: MATES + index,
            };
            outbox::want(self.connection, &new)?;
        }
        Ok(())
    }
}
