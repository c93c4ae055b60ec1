//! One case from its beginning to its end: a life that is struck, the life after it, and what is found then.

use crate::after::{Findings, Sort, look};
use crate::house::{Bot, House, LONG, Watched};
use crate::points::{Fault, Point, Shape};
use crate::runs::{CHANNEL, Doubts};
use crate::story::{Alert, BEACON, DUMP, Over, Teller, Told};
use std::path::PathBuf;
use std::time::Duration;
use vigie::store::Reader;

/// While the disk fails little comes of what is asked, and nobody waits long for it.
const SHORT: Duration = Duration::from_millis(400);
/// A checkpoint comes every 5 s; one that fails does not show.
const CHECKPOINT: Duration = Duration::from_secs(7);
const NEWS: Alert = Alert::late("news after the crash");
const LAST_NEWS: Alert = Alert::late("news at the end");
const PROBE: Alert = Alert::late("while the disk fails");

/// What came of a case.
#[derive(Debug, Default)]
pub struct Outcome {
    pub fired: bool,
    /// Webhooks with a 202, and acts with an acknowledgement.
    pub promises: (usize, usize),
    pub doubts: Doubts,
    pub findings: Findings,
}

struct Case<'c> {
    house: &'c House,
    told: &'c Told,
    watched: Watched<'c>,
    doubts: Doubts,
    findings: Findings,
}

/// Runs a case in this folder; without a point it is a run that counts.
pub async fn run(shape: Shape, point: Option<&Point>, folder: PathBuf) -> (House, Outcome) {
    let house = House::new(folder, shape).await;
    let told = Told::default();
    let watched = point.map_or(Watched::Counted, Watched::Struck);
    let (doubts, findings) = (Doubts::default(), Findings::default());
    let mut case = Case { house: &house, told: &told, watched, doubts, findings };
    let fired = match point.map(|point| point.fault) {
        Some(Fault::Once(_) | Fault::From(_)) => case.failing(point.expect("it has a fault")).await,
        Some(Fault::Kill) | None => case.struck(shape).await,
    };
    case.afterwards(point.is_some_and(|point| point.fault != Fault::Kill)).await;
    let (doubts, findings) = (case.doubts, case.findings);
    let promises = told.promises();
    (house, Outcome { fired, promises, doubts, findings })
}

impl Case<'_> {
    fn teller<'t>(&'t self, bot: &'t Bot, patience: Duration) -> Teller<'t> {
        Teller { house: self.house, bot, told: self.told, patience }
    }

    fn wrong(&mut self, what: impl Into<String>) {
        self.findings.add(Sort::Wrong, what);
    }

    fn note(&mut self, step: Result<(), Over>, bot: &Bot) {
        if let Err(Over::Stuck(what)) = step {
            let said = self.house.sim.transcript();
            self.wrong(format!("it does not come: {what}\n{said}\n{}", bot.log()));
        }
    }

    /// The life in which a kill stands; whether it fell.
    async fn struck(&mut self, shape: Shape) -> bool {
        match shape {
            Shape::Again => self.crash().await,
            Shape::Run => self.alerted().await,
            Shape::Fresh | Shape::Late => {}
        }
        let bot = self.house.start("struck", self.watched).await;
        if bot.address.is_some() {
            let step = match shape {
                Shape::Fresh => self.teller(&bot, LONG).tell().await,
                Shape::Late => self.late(&bot).await,
                Shape::Again => self.taking_over(&bot).await,
                Shape::Run => self.responding(&bot).await,
            };
            self.note(step, &bot);
        }
        let ended = bot.stop().await;
        if !bot.was_killed() && !ended.is_some_and(|status| status.success()) {
            self.wrong(format!("it did not stop in good order: {ended:?}\n{}", bot.log()));
        }
        if shape == Shape::Run && bot.was_killed() {
            self.doubts += Doubts::at_the_kill(self.house);
        }
        bot.was_killed() && ended.is_some()
    }

    /// The life before: it is killed while much is under way.
    async fn crash(&mut self) {
        let bot = self.house.start("before", Watched::Not).await;
        let teller = self.teller(&bot, LONG);
        let step = match teller.arrivals().await {
            Ok(()) => teller.burst().await,
            Err(over) => Err(over),
        };
        self.note(step, &bot);
        bot.signal("KILL").await;
        bot.end().await;
    }

    /// The story with a checkpoint in the middle: the database's file grows by it.
    async fn late(&self, bot: &Bot) -> Result<(), Over> {
        let teller = self.teller(bot, LONG);
        let before = self.size();
        teller.arrivals().await?;
        teller.forms().await?;
        self.checkpoint(bot, before).await?;
        teller.ladder().await?;
        teller.burst().await?;
        teller.quiet().await
    }

    /// Waits until the file has grown by a checkpoint; on a busy machine it has by now.
    async fn checkpoint(&self, bot: &Bot, before: u64) -> Result<(), Over> {
        while self.size() == before {
            if bot.ended().is_some() {
                return Err(Over::Gone);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn size(&self) -> u64 {
        std::fs::metadata(self.house.file("")).map_or(0, |file| file.len())
    }

    /// The life before: it takes an alert in, and stops.
    async fn alerted(&mut self) {
        let bot = self.house.start("before", Watched::Not).await;
        let teller = self.teller(&bot, LONG);
        let step = match teller.hook("edr", &[DUMP]).await {
            Ok(()) => teller.shown(CHANNEL, DUMP).await.map(drop),
            Err(over) => Err(over),
        };
        let step = step.and(self.settle(&bot).await);
        self.note(step, &bot);
        bot.stop().await;
    }

    /// The playbook is seen through, where the case has one.
    async fn responding(&mut self, bot: &Bot) -> Result<(), Over> {
        let house = self.house;
        let Some(tools) = &house.tools else { return Ok(()) };
        let doubts = self.teller(bot, LONG).respond(tools).await?;
        self.doubts += doubts;
        self.settle(bot).await
    }

    async fn taking_over(&self, bot: &Bot) -> Result<(), Over> {
        self.settle(bot).await?;
        let teller = self.teller(bot, LONG);
        teller.hook("edr", &[NEWS]).await?;
        teller.forms().await?;
        self.settle(bot).await
    }

    /// Waits until nothing is left to be done, now or soon.
    async fn settle(&self, bot: &Bot) -> Result<(), Over> {
        let begun = tokio::time::Instant::now();
        let reader = Reader::of(&self.house.file("")).map_err(|e| Over::Stuck(e.to_string()))?;
        let now = || self.house.sim.now_ms();
        while begun.elapsed() < LONG {
            if bot.ended().is_some() {
                return Err(Over::Gone);
            }
            let left = reader.read(|connection| {
                let sql = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM due WHERE at < ?1)";
                connection.query_row(sql, [now() + 60_000], |row| row.get::<_, i64>(0))
            });
            if left.is_ok_and(|left| left == 0) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(Over::Stuck("an empty outbox".to_owned()))
    }

    /// The life in which the disk fails; whether it did.
    async fn failing(&mut self, point: &Point) -> bool {
        let bot = self.house.start("struck", self.watched).await;
        if bot.address.is_some() {
            let teller = self.teller(&bot, SHORT);
            let before = self.size();
            // What does not come is not waited for: each part is told whatever became of the one before.
            let _ = teller.arrivals().await;
            let _ = teller.forms().await;
            if point.shape == Shape::Late {
                let _ = tokio::time::timeout(CHECKPOINT, self.checkpoint(&bot, before)).await;
            }
            let _ = teller.ladder().await;
            let _ = teller.burst().await;
            let _ = teller.hook("edr", &[PROBE]).await;
            self.may_end(&bot).await;
            if matches!(point.fault, Fault::From(_)) {
                self.nothing_is_promised(&bot, point);
            }
        }
        let went_on = bot.ended().is_none();
        let ended = bot.stop().await;
        let injected = self.house.trace().contains("(INJECTED)");
        self.refusals_say_when_to_come_again();
        if injected {
            self.the_end_is_told((&bot, went_on), ended, point);
        }
        injected
    }

    /// Who lets go of a webhook without an answer is about to end; under strace that takes a moment.
    async fn may_end(&self, bot: &Bot) {
        let is_cut = self.told.hooks.borrow().last().is_some_and(|hook| hook.answer.is_none());
        for _ in 0..150 {
            if !is_cut || bot.ended().is_some() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// With a WAL that takes nothing, the last webhook gets no 2xx.
    fn nothing_is_promised(&mut self, bot: &Bot, point: &Point) {
        let hooks = self.told.hooks.borrow();
        let answer = hooks.last().and_then(|hook| hook.answer.as_ref());
        let status = answer.map(|answer| answer.status);
        let of_the_wal = point.kind.name.starts_with("wal");
        drop(hooks);
        if of_the_wal && !(status == Some(503) || (status.is_none() && bot.ended().is_some())) {
            self.findings
                .add(Sort::Lost, format!("the disk takes nothing, and a webhook got {status:?}"));
        }
    }

    fn refusals_say_when_to_come_again(&mut self) {
        let hooks = self.told.hooks.borrow();
        let answers: Vec<_> = hooks.iter().filter_map(|hook| hook.answer.clone()).collect();
        drop(hooks);
        for answer in answers {
            let good =
                answer.status == 202 || (answer.status == 503 && answer.retry_after.is_some());
            if !good {
                self.wrong(format!("a webhook got {answer:?}"));
            }
        }
    }

    /// A sync of the WAL that fails ends the process; whatever ended it is said in one line.
    fn the_end_is_told(
        &mut self,
        (bot, went_on): (&Bot, bool),
        ended: Option<std::process::ExitStatus>,
        point: &Point,
    ) {
        let log = bot.log();
        let by_itself = !went_on;
        let lines = log.lines().filter(|line| line.starts_with("vigie: ")).count();
        if by_itself && (ended.is_some_and(|status| status.success()) || lines != 1) {
            self.wrong(format!(
                "it ended by itself with {ended:?} and {lines} lines of why:\n{log}"
            ));
        }
        // Only commits sync the WAL, but for a checkpoint, which says so and leaves all as it is.
        let checkpoint = log.contains("could not be checkpointed");
        if point.kind.name == "wal-sync" && !by_itself && !checkpoint {
            self.wrong(format!("a sync of the WAL failed, and it went on:\n{log}"));
        }
    }

    /// The life after: it settles, people go on with what they were shown before, it stops, and the record is looked at.
    async fn afterwards(&mut self, disk: bool) {
        let bot = self.house.start("after", Watched::Not).await;
        let step = self.settle(&bot).await;
        let step = step.and(self.responding(&bot).await);
        let step = step.and(self.last_words(&bot).await);
        let step = step.and(self.settle(&bot).await);
        self.note(step, &bot);
        let found = look(self.house, self.told, (disk, self.doubts));
        self.findings.answered_again = found.answered_again;
        self.findings.complaints.extend(found.complaints);
        if !bot.stop().await.is_some_and(|status| status.success()) {
            self.wrong(format!("it does not start and stop in good order:\n{}", bot.log()));
        }
        for command in ["verify", "rebuild", "verify"] {
            self.audit(command).await;
        }
    }

    /// A button that was shown before still works, and what is said now is kept.
    async fn last_words(&self, bot: &Bot) -> Result<(), Over> {
        let teller = self.teller(bot, LONG);
        teller.hook("edr", &[LAST_NEWS]).await?;
        let ana = self.house.sim.by("ana");
        let known = self.house.sim.messages("soc-alerts").into_iter();
        let open = known.into_iter().find(|m| m.buttons().contains(&"Acknowledge".to_owned()));
        let beacon = open.as_ref().is_some_and(|m| crate::story::says(m, BEACON.title));
        let page = teller.shown("#soc-alerts", if beacon { BEACON } else { LAST_NEWS }).await?;
        let title = if beacon { BEACON.title } else { LAST_NEWS.title };
        let acts = self.told.acts.borrow().len();
        // What stood before the restart can be pressed before Slack has a socket for it: Slack would say so to the person.
        let connected = self.house.sim.until(|sim| (sim.sockets() > 0).then_some(()));
        let _ = tokio::time::timeout(LONG, connected).await;
        teller.act(("ana", "acknowledge", Some(title)), ana.click(&page, "Acknowledge")).await?;
        let promised = self.told.acts.borrow()[acts].acknowledged;
        let taken =
            self.told.hooks.borrow().last().is_some_and(|hook| {
                hook.answer.as_ref().is_some_and(|answer| answer.status == 202)
            });
        match promised && taken {
            true => Ok(()),
            false => Err(Over::Stuck("an answer after the restart".to_owned())),
        }
    }

    async fn audit(&mut self, command: &str) {
        let database = self.house.file("").display().to_string();
        let done = self.house.vigie(&["audit", command, "--db", &database]).output().await;
        let done = done.expect("it runs");
        if !done.status.success() {
            let said = [done.stdout, done.stderr].concat();
            self.wrong(format!("audit {command}: {}", String::from_utf8_lossy(&said)));
        }
    }
}
