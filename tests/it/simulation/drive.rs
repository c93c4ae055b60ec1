//! Does what the plan says, to the real app, and notes what it was told.

use super::chance::pick;
use super::plan::{Button, Fired, PEOPLE, Step};
use super::told::{Acted, Delivered, Told, Try, title};
use crate::world::{HOOK_TOKEN, World};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::task::JoinHandle;
use vigie::sim::{CannotAct, Delivery, Dnd, Message, Person, Sim};

const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];
/// The words of Alertmanager's labels for them.
const LABELS: [&str; 5] = ["critical", "error", "warning", "minor", "info"];
const CHANNELS: [&str; 3] = ["#sec", "#soc-alerts", "#sec-leads"];
/// Whoever posts gives up after this.
const PATIENCE: Duration = Duration::from_secs(60);
const MINUTE: i64 = 60_000;

/// What has been done so far, for a person who looks into a failure.
pub type Diary = Arc<Mutex<Vec<String>>>;

pub struct Driver<'w> {
    pub w: &'w World,
    pub sim: Sim,
    told: Arc<Mutex<Told>>,
    diary: Diary,
    tasks: Vec<JoinHandle<()>>,
    /// Values of `Acknowledge` buttons that were seen.
    seen: Vec<String>,
    /// Sockets were closed for a reason that a person must mend, which the app logs as an error.
    pub refused: bool,
    /// For looking at the database after every step.
    pub reader: Option<rusqlite::Connection>,
}

impl<'w> Driver<'w> {
    pub fn new(w: &'w World, diary: Diary) -> Self {
        let now = w.slack().now_ms();
        let mut told = Told { lives: vec![(now, None)], ..Told::default() };
        told.clock.note(now, w.now_ms());
        let told = Arc::new(Mutex::new(told));
        let reader = rusqlite::Connection::open(w.database()).expect("opens");
        Self {
            w,
            sim: w.slack().clone(),
            told,
            diary,
            tasks: Vec::new(),
            seen: Vec::new(),
            refused: false,
            reader: Some(reader),
        }
    }

    pub fn told(&self) -> MutexGuard<'_, Told> {
        lock(&self.told)
    }

    /// What time it is for the app.
    pub fn now(&self) -> i64 {
        self.told().clock.app(self.sim.now_ms())
    }

    pub fn note(&self, what: String) {
        let at = self.sim.now_ms() - crate::world::EPOCH_MS;
        let (minutes, rest) = (at / MINUTE, at % MINUTE);
        lock(&self.diary).push(format!("{minutes:>4} min {rest:>5} ms  {what}"));
    }

    fn restless(&self, minutes: i64) {
        self.told().restless(self.sim.now_ms() + minutes * MINUTE);
    }

    pub async fn step(&mut self, step: &Step) {
        self.note(format!("{step:?}"));
        match step {
            Step::Wait(span) => tokio::time::sleep(*span).await,
            Step::Breathe(turns) => {
                for _ in 0..*turns {
                    tokio::task::yield_now().await;
                }
            }
            Step::Upon(method) => {
                let so_far = self.sim.calls_of(method).len();
                let heard =
                    self.sim.until(|sim| (sim.calls_of(method).len() > so_far).then_some(()));
                // Perhaps there is nothing to be said.
                let _ = tokio::time::timeout(Duration::from_millis(300), heard).await;
            }
            Step::Hook { source, alerts, named } => {
                let new =
                    Delivered { source, alerts: alerts.clone(), named: *named, tries: vec![] };
                self.told().hooks.push(new);
                let last = self.told().hooks.len() - 1;
                self.send(last);
            }
            Step::HookAgain { pick: number } => self.send_again(*number),
            Step::Press { who, button, pick, twice } => self.press(who, *button, (*pick, *twice)),
            Step::OldButton { who, pick, forged } => self.old_button(who, *pick, *forged),
            Step::Stranger { pick } => self.stranger(*pick),
            Step::Submit { who, note, to } => self.submit(who, *note, to),
            Step::Type { who, verb, pick } => self.type_line(who, verb, *pick),
            Step::Down => self.down(true),
            Step::Up => self.down(false),
            Step::Kill => self.kill().await,
            Step::Stop => self.stop().await,
            Step::Start => self.start().await,
            Step::Delete { pick } => self.delete(*pick).await,
            Step::SetClock(millis) => self.set_clock(*millis),
            Step::Fail { .. }
            | Step::RepeatNext
            | Step::DropSockets
            | Step::FreezeSockets
            | Step::Disconnect(_)
            | Step::HangOpen
            | Step::HangUpgrade
            | Step::SlowDisk(_)
            | Step::Archive(_)
            | Step::Unarchive(_)
            | Step::Snooze { .. } => self.weather(step),
        }
    }

    /// What happens around us, and takes no time.
    fn weather(&mut self, step: &Step) {
        match step {
            Step::Fail { method, fault } => {
                self.sim.fail_next(method, fault.clone());
                if *method == "apps.connections.open" {
                    self.restless(12);
                }
            }
            Step::RepeatNext => {
                self.told().repeats += 1;
                self.sim.repeat_next();
            }
            Step::DropSockets => {
                self.restless(3);
                self.sim.drop_sockets();
            }
            Step::FreezeSockets => {
                self.restless(5);
                self.sim.freeze_sockets();
            }
            Step::Disconnect(reason) => {
                let is_refusal = !reason.starts_with(['w', 'r']);
                self.refused |= is_refusal;
                let minutes = if is_refusal { 15 } else { 3 };
                self.restless(minutes);
                self.sim.disconnect_all(reason);
            }
            Step::HangOpen => {
                self.restless(5);
                self.sim.hang_next_open();
            }
            Step::HangUpgrade => {
                self.restless(5);
                self.sim.hang_next_upgrade();
            }
            Step::SlowDisk(held) => self.hold(*held),
            Step::Archive(channel) => self.archive(channel, true),
            Step::Unarchive(channel) => self.archive(channel, false),
            Step::Snooze { who, on } => {
                self.told().snoozed = true;
                let until = on.then_some(4_000_000_000);
                let dnd = Dnd { snooze_until: until, enabled: *on, ..Dnd::default() };
                self.sim.set_dnd(who, dnd).expect("they are there");
            }
            _ => unreachable!("it is done elsewhere"),
        }
    }

    fn down(&self, down: bool) {
        let now = self.sim.now_ms();
        self.restless(3);
        self.sim.set_down(down);
        let mut told = self.told();
        let open = told.outages.last().is_some_and(|(_, end)| *end == i64::MAX);
        match (down, open) {
            (true, false) => told.outages.push((now, i64::MAX)),
            (false, true) => told.outages.last_mut().expect("it is open").1 = now,
            (true, true) | (false, false) => {}
        }
    }

    async fn kill(&self) {
        if self.w.is_alive() {
            self.died();
            self.w.kill().await;
        }
    }

    async fn stop(&self) {
        if self.w.is_alive() {
            self.died();
            self.w.stop().await;
        }
    }

    fn died(&self) {
        let now = self.sim.now_ms();
        let mut told = self.told();
        told.lives.last_mut().expect("it lived").1 = Some(now);
        told.restless(now + 3 * MINUTE);
    }

    async fn start(&self) {
        if !self.w.is_alive() {
            let from = self.sim.now_ms();
            self.w.launch().await;
            let (now, app) = (self.sim.now_ms(), self.w.now_ms());
            let mut told = self.told();
            told.clock.note(now, app);
            told.resumed(app);
            told.lives.push((from, None));
            told.restless(from + 3 * MINUTE);
        }
    }

    fn set_clock(&self, millis: i64) {
        self.w.set_clock(millis);
        self.told().clock.note(self.sim.now_ms(), self.w.now_ms());
    }

    fn hold(&mut self, span: Duration) {
        let database = self.w.database();
        self.tasks.push(tokio::task::spawn_blocking(move || {
            let connection = rusqlite::Connection::open(database).expect("opens");
            connection.busy_timeout(Duration::from_secs(5)).expect("it takes it");
            connection.execute_batch("BEGIN IMMEDIATE").expect("nobody holds it for long");
            std::thread::sleep(span);
            connection.execute_batch("ROLLBACK").expect("nothing was changed");
        }));
    }

    fn archive(&mut self, channel: &'static str, archived: bool) {
        self.told().archived = true;
        let sim = self.sim.clone();
        self.tasks.push(tokio::spawn(async move {
            let told = if archived {
                sim.archive_channel(channel).await
            } else {
                sim.unarchive_channel(channel).await
            };
            told.expect("the channel is there");
        }));
    }

    async fn delete(&self, number: u64) {
        let all = self.alerts_messages();
        if let Some(message) = all.get(pick(number, all.len())) {
            self.told().deleted.push(message.clone());
            self.sim.delete_message(&message.channel, &message.ts).await.expect("it stands");
        }
    }

    // --- sources ---

    fn send_again(&mut self, number: u64) {
        let named: Vec<usize> = {
            let told = self.told();
            (0..told.hooks.len()).filter(|i| told.hooks[*i].named).collect()
        };
        if let Some(hook) = named.get(pick(number, named.len())) {
            self.send(*hook);
        }
    }

    fn send(&mut self, hook: usize) {
        if !self.w.is_alive() {
            // Nobody listens: the source will not have been answered.
            return;
        }
        let from = self.now();
        let (source, body, name, (number, life)) = {
            let mut told = self.told();
            let life = told.lives.len();
            let delivered = &mut told.hooks[hook];
            delivered.tries.push(Try { from, end: None, calm: false });
            let body = body_of(delivered.source, &delivered.alerts);
            let name = delivered.named.then(|| format!("delivery-{hook}"));
            (delivered.source, body, name, (delivered.tries.len() - 1, life))
        };
        let url = format!("http://{}/hooks/{source}", self.w.app().listen());
        let mut request = match source {
            "edr" => self.w.http().post(url).bearer_auth(HOOK_TOKEN).json(&body),
            _ => self.w.http().post(format!("{url}?token={HOOK_TOKEN}")).json(&body),
        };
        if let Some(name) = name {
            request = request.header("Idempotency-Key", name);
        }
        let (told, sim) = (self.told.clone(), self.sim.clone());
        self.tasks.push(tokio::spawn(async move {
            let answered = tokio::time::timeout(PATIENCE, taken(request)).await.ok().flatten();
            let mut told = lock(&told);
            let now = told.clock.app(sim.now_ms());
            let calm = told.is_alive() && told.lives.len() == life;
            let tried = &mut told.hooks[hook].tries[number];
            (tried.end, tried.calm) = (Some((now, answered)), calm);
        }));
    }

    // --- people ---

    /// The alerts' own messages, oldest first.
    fn alerts_messages(&self) -> Vec<Message> {
        let all = CHANNELS[..2].iter().flat_map(|channel| self.sim.messages(channel));
        all.filter(|m| m.thread_ts.is_none() && m.by_bot).collect()
    }

    /// Everything with buttons that this person sees.
    fn pressable(&self, who: &str) -> Vec<Message> {
        let shown = CHANNELS.iter().flat_map(|channel| self.sim.messages(channel));
        let all = shown.chain(self.sim.dms(who));
        all.filter(|message| !message.controls().is_empty()).collect()
    }

    fn press(&mut self, who: &'static str, button: Button, (number, twice): (u64, bool)) {
        let able: Vec<(Message, String)> = self
            .pressable(who)
            .into_iter()
            .filter_map(|message| Some((value_of(&message, button)?, message)))
            .map(|(value, message)| (message, value))
            .collect();
        let Some((message, value)) = able.get(pick(number, able.len())).cloned() else { return };
        if button == Button::Acknowledge && self.seen.len() < 200 {
            self.seen.push(value.clone());
        }
        for _ in 0..1 + u32::from(twice) {
            let person = self.sim.by(who);
            let message = message.clone();
            let in_menu = self.in_menu(&message, button);
            self.act(acted(who, button, &value), async move {
                match (button, in_menu) {
                    (Button::Acknowledge, _) => person.click(&message, "ack").await,
                    (Button::Resolve, _) => person.click(&message, "resolve").await,
                    (Button::Assign, _) => person.choose(&message, "more", "Assign…").await,
                    (Button::Reopen, true) => person.choose(&message, "more", "Reopen").await,
                    (Button::Reopen, false) => person.click(&message, "reopen").await,
                }
            });
        }
    }

    fn in_menu(&self, message: &Message, button: Button) -> bool {
        let own = if button == Button::Reopen { "reopen" } else { "" };
        !message.controls().iter().any(|control| control.action_id == own)
    }

    fn old_button(&mut self, who: &'static str, number: u64, forged: bool) {
        let able: Vec<Message> = self
            .pressable(who)
            .into_iter()
            .filter(|message| value_of(message, Button::Acknowledge).is_some())
            .collect();
        let Some(message) = able.get(pick(number, able.len())).cloned() else { return };
        let Some(mut value) = self.seen.get(pick(number / 7, self.seen.len())).cloned() else {
            return;
        };
        let mut act = acted(who, Button::Acknowledge, &value);
        if forged {
            value = value.replace("acknowledge.", "resolve.");
            act.forged = true;
        }
        let person = self.sim.by(who);
        self.act(act, async move { person.click_with_value(&message, "ack", &value).await });
    }

    fn stranger(&mut self, number: u64) {
        let able: Vec<Message> = self
            .alerts_messages()
            .into_iter()
            .filter(|message| value_of(message, Button::Acknowledge).is_some())
            .collect();
        let Some(message) = able.get(pick(number, able.len())).cloned() else { return };
        let value = value_of(&message, Button::Acknowledge).expect("it has one");
        let mut act = acted("ana", Button::Acknowledge, &value);
        act.stranger = true;
        let person = self.sim.by("ana").from_team("T0OTHER");
        self.act(act, async move { person.click(&message, "ack").await });
    }

    fn submit(&mut self, who: &'static str, note: bool, to: &'static str) {
        let Some(view) = self.sim.open_view(who) else { return };
        let value = view.body["private_metadata"].as_str().unwrap_or_default().to_owned();
        let resolves = view.body["callback_id"] == "resolve";
        let button = if resolves { Button::Resolve } else { Button::Assign };
        let mut act = acted(who, button, &value);
        act.action = if resolves { "resolve" } else { "assign" };
        (act.note, act.to) = (resolves && note, (!resolves).then_some(to));
        let values = match resolves {
            true => {
                json!({"disposition": "false_positive", "note": if note { "seen" } else { "" }})
            }
            false => json!({"assignee": to}),
        };
        let person = self.sim.by(who);
        self.act(act, async move { person.submit(values).await });
    }

    fn type_line(&mut self, who: &'static str, verb: &'static str, number: u64) {
        let ids: Vec<String> = {
            let told = self.told();
            let taken = told.hooks.iter().filter_map(|hook| hook.taken());
            taken.flatten().map(|(id, _)| id.clone()).collect()
        };
        let alert = ids.get(pick(number, ids.len())).filter(|_| verb == "show").cloned();
        let (line, action) = match (verb, &alert) {
            ("show", Some(id)) => (format!("/vigie show {id}"), "show"),
            ("show", None) => return,
            ("lst", _) => ("/vigie lst".to_owned(), "unknown_command"),
            (verb, _) => (format!("/vigie {verb}"), verb),
        };
        let act = Acted { action, alert, ..acted(who, Button::Acknowledge, "") };
        let person: Person = self.sim.by(who);
        self.act(act, async move { person.slash("#soc-alerts", &line).await });
    }

    /// Lets a person do it, beside everything else, and notes whether it was acknowledged.
    fn act(
        &mut self,
        mut act: Acted,
        doing: impl Future<Output = Result<Delivery, CannotAct>> + Send + 'static,
    ) {
        let index = {
            let mut told = self.told();
            let now = self.sim.now_ms();
            (act.from, act.calm) = (told.clock.app(now), told.is_calm(now));
            told.acts.push(act);
            told.acts.len() - 1
        };
        let (told, sim) = (self.told.clone(), self.sim.clone());
        self.tasks.push(tokio::spawn(async move {
            let delivery = doing.await;
            let now = sim.now_ms();
            let mut told = lock(&told);
            let (still, at) = (told.is_calm(now), told.clock.app(now));
            let act = &mut told.acts[index];
            act.over = true;
            act.calm &= still;
            match delivery {
                Ok(delivery) if delivery.is_acked() => act.acked = Some(at),
                Ok(_) => {}
                // The button was gone before the finger came down.
                Err(_) => act.calm = false,
            }
        }));
    }

    // --- the end ---

    /// Everything is mended, and what waits is done.
    pub async fn heal(&mut self) -> Result<(), String> {
        self.note("all is mended".to_owned());
        self.sim.heal();
        self.down(false);
        for channel in ["#sec", "#soc-alerts"] {
            self.archive(channel, false);
        }
        self.start().await;
        for task in self.tasks.drain(..) {
            task.await.map_err(|error| format!("the simulation itself broke: {error}"))?;
        }
        for quiet in [30, 200] {
            self.w.sleep(Duration::from_secs(quiet)).await;
            self.settle().await?;
        }
        Ok(())
    }

    async fn settle(&self) -> Result<(), String> {
        for _ in 0..1000 {
            if self.w.ask("SELECT count(*) FROM outbox") == "0" && self.sim.sockets() > 0 {
                return Ok(());
            }
            self.w.sleep(Duration::from_secs(5)).await;
        }
        let left = self.w.rows("SELECT lane, attempts, parked, effect FROM outbox");
        Err(format!("the outbox does not empty; {} sockets: {left:#?}", self.sim.sockets()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The ids and outcomes, where it was answered 202.
async fn taken(request: reqwest::RequestBuilder) -> Option<Vec<(String, String)>> {
    let answer = request.send().await.ok()?;
    if answer.status().as_u16() != 202 {
        return None;
    }
    let answer: Value = answer.json().await.ok()?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let alerts = answer["alerts"].as_array()?;
    Some(alerts.iter().map(|one| (text(&one["id"]), text(&one["outcome"]))).collect())
}

/// The value of a button or choice on a message, where it has it.
fn value_of(message: &Message, button: Button) -> Option<String> {
    let (own, choice) = match button {
        Button::Acknowledge => ("ack", ""),
        Button::Resolve => ("resolve", ""),
        Button::Reopen => ("reopen", "Reopen"),
        Button::Assign => ("", "Assign…"),
    };
    message.controls().into_iter().find_map(|control| {
        if control.action_id == own {
            return control.value;
        }
        let options = control.element["options"].as_array()?;
        let chosen = options.iter().find(|option| option["text"]["text"] == choice)?;
        chosen["value"].as_str().map(str::to_owned)
    })
}

/// What pressing it says: `ACT.ALERT.LIFE.MAC`.
fn acted(who: &'static str, button: Button, value: &str) -> Acted {
    let mut parts = value.split('.').skip(1);
    let alert = parts.next().map(str::to_owned);
    let life = parts.next().and_then(|life| life.parse().ok()).unwrap_or(0);
    let action = match button {
        Button::Acknowledge => "acknowledge",
        Button::Resolve => "resolve_form",
        Button::Assign => "assign_form",
        Button::Reopen => "reopen",
    };
    debug_assert!(PEOPLE.contains(&who));
    Acted {
        who,
        action,
        alert,
        life,
        forged: false,
        stranger: false,
        note: false,
        to: None,
        from: 0,
        acked: None,
        over: false,
        calm: false,
    }
}

fn body_of(source: &str, alerts: &[Fired]) -> Value {
    let one = |fired: &Fired| {
        let title = title(source, fired.case);
        let status = if fired.over { "resolved" } else { "firing" };
        if source == "edr" {
            let users: Vec<&str> = fired.about.into_iter().collect();
            let severity = SEVERITIES[fired.severity];
            return json!({"id": title, "title": title, "severity": severity, "status": status, "users": users});
        }
        let mut labels = json!({"alertname": "rule", "severity": LABELS[fired.severity]});
        if let Some(user) = fired.about {
            labels["user"] = json!(user);
        }
        json!({"status": status, "labels": labels, "annotations": {"summary": title}, "fingerprint": title})
    };
    let all: Vec<Value> = alerts.iter().map(one).collect();
    match source {
        "edr" => json!(all),
        _ => json!({"version": "4", "alerts": all}),
    }
}
