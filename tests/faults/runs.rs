//! A playbook is run: how people start, approve and answer for it, and what must be so wherever the bot died meanwhile.

use crate::after::{Findings, Sort};
use crate::house::House;
use crate::story::{DUMP, Over, Teller, says};
use crate::tools::{HOST, Tools};
use rusqlite::{Connection, OptionalExtension as _, named_params};
use serde_json::json;
use std::fmt;
use std::ops::AddAssign;
use vigie::sim::{Message, Sim};

type Step = Result<(), Over>;

/// Where the alert is shown.
pub const CHANNEL: &str = "#soc-alerts";
/// Where this is a choice, somebody is asked.
const HAPPENED: &str = "It happened";

/// The steps that a kill found under way, started on disk and without an outcome there; and what people were asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doubts {
    verify: usize,
    keyed: usize,
    ask: usize,
    /// How often a person was asked.
    pub asked: usize,
    /// How often they wanted it done again.
    pub again: usize,
}

impl AddAssign for Doubts {
    fn add_assign(&mut self, other: Self) {
        self.verify += other.verify;
        self.keyed += other.keyed;
        self.ask += other.ask;
        self.asked += other.asked;
        self.again += other.again;
    }
}

impl fmt::Display for Doubts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verify, keyed, ask, asked, again } = self;
        write!(f, "kills while a call was under way: verify {verify}, keyed {keyed}, ask {ask}; ")?;
        write!(f, "people were asked {asked} times, and wanted it again {again} times")
    }
}

impl Doubts {
    /// Whether enough kills fell while a call was under way to show anything: one at least, and of many points one of each rule.
    pub fn are_enough(&self, points: usize) -> bool {
        let rules = [self.verify, self.keyed, self.ask];
        match points {
            0..40 => true,
            40..200 => rules.iter().sum::<usize>() > 0,
            _ => rules.iter().all(|kills| *kills > 0),
        }
    }

    /// What the journal says at the kill. A copy is read, so that the next life finds the files as they were left.
    pub fn at_the_kill(house: &House) -> Self {
        let copy = house.folder().join("killed");
        std::fs::create_dir_all(&copy).expect("a folder");
        for ending in ["", "-wal"] {
            // A kill may come before there is a WAL.
            let _ = std::fs::copy(house.file(ending), copy.join(format!("vigie.db{ending}")));
        }
        let connection = Connection::open(copy.join("vigie.db")).expect("the copy opens");
        let open = |step: &str| under_way(&connection, step).expect("the copy is read");
        Self {
            verify: open("contain"),
            keyed: open("issue"),
            ask: open("ticket"),
            asked: 0,
            again: 0,
        }
    }
}

/// How many calls of a step are started and have no outcome.
fn under_way(connection: &Connection, step: &str) -> rusqlite::Result<usize> {
    let sql = "SELECT count(*) FROM journal started
               WHERE kind = 'step.started' AND body ->> '$.call.step' = :step AND NOT EXISTS
               (SELECT 1 FROM journal WHERE kind IN ('step.done', 'step.failed', 'step.in_doubt')
                AND stream = started.stream AND body -> '$.call' = started.body -> '$.call')";
    connection.query_row(sql, named_params! {":step": step}, |row| row.get(0))
}

/// What is wanted of people now.
enum Wanted {
    Form,
    Answers,
    Word,
    Approval,
    Decision,
    Nothing,
}

impl Teller<'_> {
    /// People see the playbook through, from wherever it stands.
    pub async fn respond(&self, tools: &Tools) -> Result<Doubts, Over> {
        self.until("a socket", |sim| (sim.sockets() > 0).then_some(())).await?;
        let page = self.shown(CHANNEL, DUMP).await?;
        let mut doubts = Doubts::default();
        loop {
            match self.until("somebody is wanted", |sim| wanted(sim, &page)).await? {
                Wanted::Form => self.open(&page).await?,
                Wanted::Answers => self.answer().await?,
                Wanted::Word => self.start(&page).await?,
                Wanted::Approval => self.approve(&page).await?,
                Wanted::Decision => {
                    doubts.asked += 1;
                    doubts.again += usize::from(!tools.has_ticket());
                    self.decide(&page, tools).await?;
                }
                Wanted::Nothing => return Ok(doubts),
            }
        }
    }

    async fn open(&self, page: &Message) -> Step {
        let doing = self.house.sim.by("ana");
        self.act(("ana", "run_form", Some(DUMP.title)), doing.click(page, "Respond…")).await?;
        self.until("what is asked", |sim| sim.open_view("ana")).await.map(drop)
    }

    async fn answer(&self) -> Step {
        let doing = self.house.sim.by("ana");
        let asked = doing.submit(json!({"ask.host": HOST}));
        self.act(("ana", "plan_run", Some(DUMP.title)), asked).await?;
        self.until("the plan", |sim| sim.open_view("ana").filter(is_plan)).await.map(drop)
    }

    async fn start(&self, page: &Message) -> Step {
        let doing = self.house.sim.by("ana");
        self.act(("ana", "run", Some(DUMP.title)), doing.submit(json!({}))).await?;
        self.until("the run's message", |sim| run_of(sim, page)).await.map(drop)
    }

    async fn approve(&self, page: &Message) -> Step {
        let asked = |sim: &Sim| sim.dms("lea").into_iter().find(|m| has(m, "Approve"));
        let asked = self.until("the lead is asked", asked).await?;
        let doing = self.house.sim.by("lea");
        self.act(("lea", "approve", Some(DUMP.title)), doing.click(&asked, "Approve")).await?;
        self.gone_from(page, "Approve").await
    }

    /// Somebody looks whether there is a ticket, and says so.
    async fn decide(&self, page: &Message, tools: &Tools) -> Step {
        let run = self.until("the question", |sim| run_of(sim, page)).await?;
        let word = if tools.has_ticket() { HAPPENED } else { "Run again" };
        let doing = self.house.sim.by("bea");
        self.act(("bea", "decide_step", Some(DUMP.title)), doing.click(&run, word)).await?;
        self.gone_from(page, HAPPENED).await
    }

    async fn gone_from(&self, page: &Message, button: &str) -> Step {
        let gone = |sim: &Sim| run_of(sim, page).filter(|run| !has(run, button));
        self.until(&format!("{button:?} is no choice any more"), gone).await.map(drop)
    }
}

fn has(message: &Message, button: &str) -> bool {
    message.buttons().iter().any(|label| label == button)
}

fn is_plan(view: &vigie::sim::View) -> bool {
    view.title() == "What will be done"
}

/// The messages of runs in the alert's thread.
fn runs_in(sim: &Sim, page: &Message) -> Vec<Message> {
    let mut thread = sim.thread(&page.channel, &page.ts);
    thread.retain(|message| message.by_bot && says(message, "started by"));
    thread
}

fn run_of(sim: &Sim, page: &Message) -> Option<Message> {
    runs_in(sim, page).into_iter().next()
}

fn wanted(sim: &Sim, page: &Message) -> Option<Wanted> {
    match (run_of(sim, page), sim.open_view("ana")) {
        (Some(run), _) if has(&run, "Approve") => Some(Wanted::Approval),
        (Some(run), _) if has(&run, HAPPENED) => Some(Wanted::Decision),
        (Some(run), _) if says(&run, "Done.") => Some(Wanted::Nothing),
        (Some(_), _) => None,
        (None, Some(view)) if is_plan(&view) => Some(Wanted::Word),
        (None, Some(_)) => Some(Wanted::Answers),
        (None, None) => Some(Wanted::Form),
    }
}

/// It was done, all of it, and no step twice but by a person's word; and people were asked as often as nobody could know.
pub fn look(
    connection: &Connection,
    (house, tools): (&House, &Tools),
    doubts: Doubts,
    found: &mut Findings,
) -> rusqlite::Result<()> {
    let again = again_by_people(connection)?;
    if again != doubts.again {
        found.add(Sort::Wrong, format!("{doubts}; the record has {again}"));
    }
    for seen in tools.seen() {
        let step = seen.step;
        let (started, ended) = in_the_record(connection, step)?;
        if seen.effects == 0 || ended != "done" {
            found.add(Sort::Lost, format!("{step}: {} effects, and {ended:?}", seen.effects));
        }
        // A key makes one of two; the tool that can be asked was asked.
        let most = match step {
            "issue" => 2,
            "ticket" => 1 + again,
            _ => 1,
        };
        if seen.effects > 1 || seen.heard > most {
            let (effects, heard) = (seen.effects, seen.heard);
            found.add(
                Sort::Twice,
                format!("{step}: {effects} effects of {heard} calls, {again} by a person's word"),
            );
        }
        if started < seen.heard {
            found.add(
                Sort::Wrong,
                format!("{step}: {} calls left, {started} were on disk before", seen.heard),
            );
        }
    }
    asked(connection, doubts, found)?;
    shown(connection, house, found)
}

/// How often a step was started, and how its last try stands.
fn in_the_record(connection: &Connection, step: &str) -> rusqlite::Result<(usize, String)> {
    let started = "SELECT count(*) FROM journal WHERE kind = 'step.started' AND body ->> '$.call.step' = :step";
    let started = connection.query_row(started, named_params! {":step": step}, |row| row.get(0))?;
    let last = "SELECT state FROM steps_v1 WHERE step = :step ORDER BY attempt DESC LIMIT 1";
    let last = connection.query_row(last, named_params! {":step": step}, |row| row.get(0));
    Ok((started, last.optional()?.unwrap_or_else(|| "not begun".to_owned())))
}

/// How often a person wanted the ticket tried again.
fn again_by_people(connection: &Connection) -> rusqlite::Result<usize> {
    let sql = "SELECT count(*) FROM journal WHERE kind = 'step.decided' AND actor LIKE 'U0%'
               AND body ->> '$.call.step' = 'ticket' AND body ->> '$.choice' = 'again'";
    connection.query_row(sql, [], |row| row.get(0))
}

/// A question for each kill that left nobody knowing, and no other; and nobody decides but the one who is asked.
fn asked(connection: &Connection, doubts: Doubts, found: &mut Findings) -> rusqlite::Result<()> {
    let sql = "SELECT count(*) FILTER (WHERE kind = 'step.in_doubt' AND body ->> '$.call.step' = 'ticket'),
                      count(*) FILTER (WHERE kind = 'step.decided' AND actor LIKE 'U0%'),
                      count(*) FILTER (WHERE kind = 'step.decided' AND actor NOT LIKE 'U0%' AND body ->> '$.call.step' = 'ticket')
               FROM journal";
    let (recorded, by_people, by_itself): (usize, usize, usize) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let what = format!("{doubts}; the record has {recorded} doubts and {by_people} decisions");
    if doubts.asked != doubts.ask || recorded != doubts.ask {
        found.add(Sort::Wrong, &what);
    }
    if by_itself > 0 || by_people != doubts.asked {
        found.add(Sort::Twice, format!("it went on without a person's word: {what}"));
    }
    Ok(())
}

/// One run, one message, and the line that it ends with: each once.
fn shown(connection: &Connection, house: &House, found: &mut Findings) -> rusqlite::Result<()> {
    let sql = "SELECT group_concat(state) FROM runs_v1 WHERE started_at IS NOT NULL";
    let states: Option<String> = connection.query_row(sql, [], |row| row.get(0))?;
    if states.as_deref() != Some("done") {
        found.add(Sort::Lost, format!("of one run that is done the record says {states:?}"));
    }
    let is_it = |m: &Message| m.thread_ts.is_none() && says(m, DUMP.title);
    let Some(page) = house.sim.messages(CHANNEL).into_iter().find(is_it) else { return Ok(()) };
    let said = format!("{HOST} is off the network.");
    let thread = house.sim.thread(&page.channel, &page.ts);
    let said = thread.iter().filter(|m| says(m, &said) && !says(m, "started by")).count();
    let runs = runs_in(&house.sim, &page).len();
    if (said, runs) != (1, 1) {
        let sort = if said == 0 || runs == 0 { Sort::Lost } else { Sort::Twice };
        found.add(
            sort,
            format!(
                "the thread has {runs} messages of the run, and says {said} times how it ended"
            ),
        );
    }
    Ok(())
}
