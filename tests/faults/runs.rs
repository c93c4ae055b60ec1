//! A playbook that contains a host: how people start and approve it, and what must be so however often the bot died meanwhile.

use crate::after::{Findings, Sort};
use crate::house::House;
use crate::story::{DUMP, Over, Teller, Told, says};
use crate::tools::HOST;
use rusqlite::{Connection, named_params};
use serde_json::json;
use vigie::sim::{Message, Sim};

type Step = Result<(), Over>;

const APPROVE: &str = "approve";

impl Teller<'_> {
    /// Somebody has the alert's host isolated, and the lead approves it.
    pub async fn isolate(&self) -> Step {
        self.hook("edr", &[DUMP]).await?;
        let page = self.shown("#sec", DUMP).await?;
        let about = Some(DUMP.title);
        let (ana, lea) = (self.house.sim.by("ana"), self.house.sim.by("lea"));
        self.act(("ana", "run_form", about), ana.click(&page, "Isolate a host…")).await?;
        self.until("what is asked", |sim| sim.open_view("ana")).await?;
        let asked = json!({"ask.host": HOST, "ask.reason": "It dumps credentials"});
        self.act(("ana", "plan_run", about), ana.submit(asked)).await?;
        self.act(("ana", "run", about), ana.submit(json!({}))).await?;
        let wanted =
            |sim: &Sim| sim.dms("lea").into_iter().find(|m| says(m, "Your approval is wanted"));
        let wanted = self.until("the lead is asked", wanted).await?;
        self.act(("lea", APPROVE, about), lea.click(&wanted, "Approve")).await
    }

    /// Waits until the thread says that it was done.
    pub async fn isolated(&self) -> Step {
        let page = self.shown("#sec", DUMP).await?;
        let said =
            |sim: &Sim| in_thread(sim, &page).into_iter().find(|m| says(m, "is off the network"));
        self.until("the thread says that the host is off the network", said).await.map(drop)
    }

    /// After a crash: an approval that was acknowledged is carried out by whoever lives now.
    pub async fn what_was_approved_is_done(&self) -> Step {
        if approved(self.told) { self.isolated().await } else { Ok(()) }
    }
}

fn in_thread(sim: &Sim, page: &Message) -> Vec<Message> {
    sim.thread(&page.channel, &page.ts)
}

fn approved(told: &Told) -> bool {
    told.acts.borrow().iter().any(|act| act.action == APPROVE && act.acknowledged)
}

/// Never twice, and never without its intent on disk; what was approved is done, and the record says so.
pub fn look(
    connection: &Connection,
    house: &House,
    told: &Told,
    found: &mut Findings,
) -> rusqlite::Result<()> {
    let heard = house.tools.containments().len();
    if heard > 1 {
        found.add(Sort::Twice, format!("{HOST} was contained {heard} times, and nobody said so"));
    }
    let sql = "SELECT count(*) FROM steps_v1 WHERE uses = :uses AND started_at IS NOT NULL";
    let uses = named_params! {":uses": "crowdstrike.contain"};
    let started: usize = connection.query_row(sql, uses, |row| row.get(0))?;
    if started < heard {
        found.add(
            Sort::Wrong,
            format!("{heard} calls left, and of {started} the record knew before"),
        );
    }
    let sql = "SELECT count(*) FROM runs_v1 WHERE state = 'done'";
    let done: usize = connection.query_row(sql, [], |row| row.get(0))?;
    let contained = house.tools.is_contained();
    if approved(told) && !(contained && done == 1) {
        let words = format!("it was approved; contained: {contained}, runs that are done: {done}");
        found.add(Sort::Lost, words);
    }
    if contained != (heard > 0) {
        found.add(Sort::Wrong, format!("contained: {contained}, calls: {heard}"));
    }
    let sql = "SELECT count(*) FROM runs_v1 WHERE state IN ('running', 'in_doubt')";
    let open: usize = connection.query_row(sql, [], |row| row.get(0))?;
    if open > 0 {
        found.add(
            Sort::Wrong,
            format!("{open} runs have not ended, although the tool can say what happened"),
        );
    }
    Ok(())
}
