//! What a person sees and does: a message that is read as a person reads it, and hands that click and type.

use super::World;
use serde_json::{Value, json};
use vigie::sim::{Control, Delivery, Message, View};

/// One message, followed through its changes.
pub struct Page<'w> {
    world: &'w World,
    channel: String,
    ts: String,
}

impl<'w> Page<'w> {
    pub(super) async fn find(world: &'w World, channel: &str, title: &str) -> Self {
        let what = format!("{channel} shows {title:?}");
        let is_it = |m: &Message| m.thread_ts.is_none() && m.readable().contains(title);
        let message = world.until(&what, |sim| sim.messages(channel).into_iter().find(is_it)).await;
        Self::of(world, message)
    }

    pub(super) async fn dm(world: &'w World, who: &str, says: &str) -> Self {
        let what = format!("{who} is told {says:?}");
        let is_it = |m: &Message| m.unread.is_some() && m.readable().contains(says);
        let message = world.until(&what, |sim| sim.dms(who).into_iter().find(is_it)).await;
        Self::of(world, message)
    }

    pub(super) fn of(world: &'w World, message: Message) -> Self {
        world.slack().read(&message.channel, &message.ts);
        Self { world, channel: message.channel, ts: message.ts }
    }

    /// As it stands now.
    pub fn message(&self) -> Message {
        self.world.slack().message(&self.channel, &self.ts).expect("the message stands")
    }

    /// Waits until it reads so.
    pub async fn expect(&self, says: &str) {
        let what = format!("the message reads {says:?}; it reads:\n{}", self.message().readable());
        let found = |sim: &vigie::sim::Sim| {
            sim.message(&self.channel, &self.ts).filter(|message| message.readable().contains(says))
        };
        self.world.until(&what, found).await;
        self.world.slack().read(&self.channel, &self.ts);
    }

    /// The labels of its buttons and menus.
    pub fn buttons(&self) -> Vec<String> {
        self.message()
            .controls()
            .into_iter()
            .filter(|c| c.kind == "button")
            .map(|c| c.label)
            .collect()
    }

    /// A button as it stands now, to be pressed when it stands no longer.
    pub fn button(&self, label: &str) -> Control {
        let mut controls = self.message().controls().into_iter();
        controls.find(|control| control.label == label).expect("the button stands")
    }

    /// Waits for a line in its thread.
    pub async fn expect_line(&self, says: &str) {
        let what = format!("the thread says {says:?}");
        let found = |sim: &vigie::sim::Sim| {
            let lines = sim.thread(&self.channel, &self.ts);
            lines.into_iter().find(|line| line.unread.is_some() && line.readable().contains(says))
        };
        let line = self.world.until(&what, found).await;
        self.world.slack().read(&line.channel, &line.ts);
    }

    /// A message in its thread that says this, once it is there.
    pub async fn reply(&self, says: &str) -> Page<'w> {
        let what = format!("the thread has {says:?}");
        let found = |sim: &vigie::sim::Sim| {
            let lines = sim.thread(&self.channel, &self.ts);
            lines.into_iter().find(|line| line.readable().contains(says))
        };
        let message = self.world.until(&what, found).await;
        Page::of(self.world, message)
    }

    /// The value of a button, as Slack would send it.
    pub fn value(&self, action_id: &str) -> String {
        let message = self.message();
        let control = message.controls().into_iter().find(|c| c.action_id == action_id);
        control.and_then(|c| c.value).expect("the button stands")
    }

    fn at(&self) -> (&str, &str) {
        (&self.channel, &self.ts)
    }
}

/// Somebody's hands.
pub struct By<'w> {
    world: &'w World,
    who: String,
    person: vigie::sim::Person,
}

impl<'w> By<'w> {
    pub(super) fn new(world: &'w World, who: &str) -> Self {
        Self { world, who: who.to_owned(), person: world.slack().by(who) }
    }

    /// As on Enterprise Grid: `team` is null.
    pub fn on_grid(mut self) -> Self {
        self.person = self.person.on_grid();
        self
    }

    /// As somebody of another workspace.
    pub fn of_team(mut self, team: &str) -> Self {
        self.person = self.person.from_team(team);
        self
    }

    /// Clicks a button; it must be acknowledged in time.
    pub async fn click(&self, page: &Page<'_>, button: &str) {
        self.acked(self.person.click(page.at(), button).await, button);
    }

    /// Clicks a button; nobody may acknowledge it.
    pub async fn click_in_vain(&self, page: &Page<'_>, button: &str) {
        let delivery = self.person.click(page.at(), button).await.expect("it can be clicked");
        assert!(!delivery.is_acked(), "{} {button}: {delivery}\n{}", self.who, self.transcript());
    }

    /// Types a command; nobody may acknowledge it.
    pub async fn slash_in_vain(&self, line: &str) {
        let delivery = self.person.slash("#soc-alerts", line).await.expect("it can be typed");
        assert!(!delivery.is_acked(), "{} {line}: {delivery}\n{}", self.who, self.transcript());
    }

    /// Sends a button's click with another value.
    pub async fn click_with_value(&self, page: &Page<'_>, button: &str, value: &str) {
        self.acked(self.person.click_with_value(page.at(), button, value).await, button);
    }

    /// Presses a button that the message had before, as somebody does whose screen is old.
    pub async fn click_old(&self, page: &Page<'_>, button: &Control) {
        self.acked(self.person.click_old(page.at(), button).await, &button.label);
    }

    /// Chooses from the overflow.
    pub async fn choose(&self, page: &Page<'_>, choice: &str) {
        self.acked(self.person.choose(page.at(), "more", choice).await, choice);
    }

    /// Presses a playbook's button, or takes it from the menu where it stands there.
    pub async fn begin(&self, page: &Page<'_>, title: &str) {
        let button = format!("{title}…");
        if page.buttons().contains(&button) {
            return self.click(page, &button).await;
        }
        let controls = page.message().controls();
        let menu = controls.iter().rfind(|control| control.kind == "overflow");
        let menu = &menu.expect("a menu stands").action_id;
        self.acked(self.person.choose(page.at(), menu, title).await, title);
    }

    /// The form that is open, once it is.
    pub async fn form(&self) -> View {
        self.world.until("a form opens", |sim| sim.open_view(&self.who)).await
    }

    /// Fills in and sends the form that is open.
    pub async fn submit(&self, values: Value) {
        self.form().await;
        self.acked(self.person.submit(values).await, "the form");
    }

    /// Resolves an alert through its form.
    pub async fn resolve(&self, page: &Page<'_>, disposition: &str, note: &str) {
        self.click(page, "Resolve…").await;
        self.submit(json!({"disposition": disposition, "note": note})).await;
    }

    /// Assigns an alert through its form.
    pub async fn assign(&self, page: &Page<'_>, to: &str) {
        self.choose(page, "Assign…").await;
        self.submit(json!({"assignee": to})).await;
    }

    /// Types a command; it must be acknowledged in time.
    pub async fn slash(&self, line: &str) {
        self.acked(self.person.slash("#soc-alerts", line).await, line);
    }

    fn acked(&self, delivery: Result<Delivery, vigie::sim::CannotAct>, what: &str) {
        match delivery {
            Ok(delivery) if delivery.is_acked() => {}
            Ok(delivery) => panic!("{} {what}: {delivery}\n{}", self.who, self.transcript()),
            Err(why) => panic!("{} {what}: {why}\n{}", self.who, self.transcript()),
        }
    }

    fn transcript(&self) -> String {
        self.world.slack().transcript()
    }
}

pub(super) async fn whisper(world: &World, who: &str, says: &str) -> Message {
    let what = format!("only {who} is shown {says:?}");
    let is_it = |m: &Message| m.unread.is_some() && m.readable().contains(says);
    let shown = world.until(&what, |sim| sim.ephemerals(who).into_iter().find(is_it)).await;
    world.slack().read(&shown.channel, &shown.ts);
    shown
}
