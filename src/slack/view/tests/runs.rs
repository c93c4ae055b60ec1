//! A run in each of its states, by way of real plans and real events: as text to be reviewed, then as it goes to Slack.

use super::sample::*;
use super::snapshots::{see, see_form, see_texts};
use crate::connectors;
use crate::domain::alert::lifecycle::{Alert, Mark};
use crate::domain::event::{Private, Told, Way};
use crate::domain::ids::*;
use crate::domain::playbook::plan::{Plan, Wanted};
use crate::domain::playbook::run::event::*;
use crate::domain::playbook::run::{PlanContent, Run};
use crate::domain::playbook::scope::About;
use crate::domain::playbook::{Asked, Playbook, Trigger};
use crate::domain::tool::call::{Answered, Found, Unsure, Why};
use crate::domain::tool::{Catalogue, Risk, Uses, Values};
use crate::playbooks::{Known, Library};
use crate::slack::view::run::{Shown, ask, message, plan};
use crate::slack::view::{Look, Message};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

const HOST: &str = "fin-laptop-12";
const REASON: &str = "It dumps credentials,\nand nobody reaches its user.";
const SAID: &str = "The device is already being contained";

/// Read once: the files are many.
pub static HOUSE: LazyLock<House> = LazyLock::new(House::new);
/// A run in each state that people see, with its name.
pub static STATES: LazyLock<Vec<(&'static str, Run)>> = LazyLock::new(|| every_state(&HOUSE));

/// The tools that we have connectors for, and the playbooks that we ship.
pub struct House {
    pub catalogue: Catalogue,
    pub playbooks: Library,
}

impl House {
    fn new() -> Self {
        let tools = connectors::Library::shipped().all().map(|(name, spec)| {
            let name = ToolName::from(name);
            (name.clone(), Arc::new(spec.tool(name, Values::new())))
        });
        let catalogue = Catalogue(tools.collect());
        let playbooks = Library::shipped(Known { catalogue: &catalogue, roles: None });
        Self { catalogue, playbooks }
    }

    pub fn playbook(&self, name: &str) -> &Playbook {
        &self.playbooks.playbooks.0[&PlaybookName::from(name)]
    }

    /// A run as it is planned, two minutes after its alert.
    fn planned(&self, name: &str, alert: &Alert, answers: Value) -> Run {
        let playbook = self.playbook(name);
        let about = About::of(alert).expect("the alert has its words");
        let asked: Asked = serde_json::from_value(answers).expect("answers by name");
        let wanted = Wanted { playbook, catalogue: &self.catalogue, about: &about, asked: &asked };
        let plan = Plan::make(&wanted).expect("a plan");
        let outline = plan.outline().clone();
        let planned = RunPlanned {
            playbook: playbook.name.clone(),
            playbook_hash: playbook.hash.clone(),
            plan_hash: plan.hash().to_owned(),
            alert: Some(alert.id.clone()),
            test: false,
            trigger: Trigger::Button,
            risk: outline.risk,
            tools: outline.tools.clone(),
            approval: outline.approve.as_ref().map(|rule| ApprovalRule {
                by: rule.by.clone(),
                quorum: rule.quorum,
                within_ms: rule.within_ms,
            }),
            escalation: "critical".into(),
            rungs: Vec::new(),
            undoes: None,
            config_hash: "c".repeat(64),
        };
        let content = PlanContent {
            title: playbook.title.clone(),
            text: playbook.text.to_string(),
            source: about.source.clone(),
            alert: about.alert.clone(),
            outline,
            undoes_for: Default::default(),
        };
        let mark = Mark { by: person("U0BEA"), at: at(2) };
        Run::new(&"run_01JDGQ5R6ZK3V8W9XACEGHJKMN".into(), &planned, Some(content), &mark)
    }

    fn isolating(&self) -> Run {
        self.planned("isolate-host", &on_a_laptop(), json!({"host": HOST, "reason": REASON}))
    }

    fn waiting(&self) -> Run {
        then(self.isolating(), 3, "U0BEA", RunEvent::Started { deadline: Some(at(18)) })
    }

    fn approved(&self) -> Run {
        let plan = "p".repeat(64);
        then(self.waiting(), 5, "U0CARL", RunEvent::Approved { plan, enough: true })
    }

    /// The host was found, or something else came of the look.
    fn found(&self, event: RunEvent, answered: Answered) -> Run {
        let run = begun(self.approved(), "find", "crowdstrike.find_host", Risk::Read);
        let private = Some(Private::Answered(Box::new(answered)));
        with(run, 5, "U0CARL", (event, private))
    }

    fn containing(&self) -> Run {
        let run = self.found(
            done("find", Finish::Answered),
            Answered { out: host(HOST), ..Answered::default() },
        );
        begun(run, "contain", "crowdstrike.contain", Risk::Destructive)
    }

    fn ticket(&self) -> Run {
        let answers = json!({"project": "SEC", "comment": REASON});
        let run = self.planned("jira-ticket", &on_a_laptop(), answers);
        let run = then(run, 3, "U0BEA", RunEvent::Started { deadline: None });
        begun(run, "ticket", "jira.create_issue", Risk::Write)
    }
}

fn on_a_laptop() -> Alert {
    let mut content = content();
    content.title = "Credential dump".to_owned();
    content.entities.hosts = vec![HOST.to_owned()];
    let mut alert = alert_of(received(), Some(content));
    alert.message = open().message;
    alert
}

fn call(step: &str) -> CallId {
    CallId { step: StepId::from(step), iteration: 0, attempt: 1 }
}

fn done(step: &str, how: Finish) -> RunEvent {
    RunEvent::StepDone { call: call(step), how }
}

fn host(name: &str) -> Values {
    let out = json!({"id": "1f9a3c5e7b2d4f60", "hostname": name, "external_ip": "198.51.100.7", "status": "normal"});
    serde_json::from_value(out).expect("values")
}

/// The run after something has happened to it.
fn then(run: Run, minutes: u64, who: &str, event: RunEvent) -> Run {
    with(run, minutes, who, (event, None))
}

fn with(run: Run, minutes: u64, who: &str, (event, private): (RunEvent, Option<Private>)) -> Run {
    let mut run = run;
    let mark = Mark { by: person(who), at: at(minutes) };
    run.fold(&event, private.as_ref(), &mark);
    run
}

/// A step whose call has left.
fn begun(run: Run, step: &str, uses: &str, risk: Risk) -> Run {
    let (tool, action) = uses.split_once('.').expect("tool.action");
    let uses = Uses { tool: tool.into(), action: action.into() };
    let run = then(run, 5, "U0BEA", RunEvent::StepOpened { step: step.into(), times: 1 });
    let request = "r".repeat(64);
    then(run, 5, "U0BEA", RunEvent::StepStarted { call: call(step), uses, risk, request })
}

fn failed(run: Run, step: &str, (why, said): (Fault, &str)) -> Run {
    let event = RunEvent::StepFailed { call: call(step), why, again: false, ends: true };
    with(run, 6, "U0BEA", (event, Some(Private::Said { said: said.to_owned() })))
}

fn doubted(run: Run, step: &str, why: Unsure) -> Run {
    let event = RunEvent::StepInDoubt { call: call(step), why: Doubt::Unsure(why) };
    with(run, 6, "U0BEA", (event, Some(Private::Said { said: SAID.to_owned() })))
}

fn every_state(house: &House) -> Vec<(&'static str, Run)> {
    let ended = |run, end| then(run, 7, "U0BEA", RunEvent::Ended { end });
    let told = |run: Run, step: &str| with(run, 6, "U0BEA", (done(step, Finish::Answered), None));
    let said = |run: Run| with(run, 6, "U0BEA", (done("step3", Finish::Here), None));
    let found = |count: u64, names: &[&str]| Answered {
        found: Some(Found {
            count,
            items: names.iter().map(|name| host(name)).collect(),
            more: false,
        }),
        ..Answered::default()
    };
    let unclear = |why| RunEvent::StepInDoubt { call: call("find"), why };
    let declined = RunEvent::Declined { plan: "p".repeat(64) };
    let happened = RunEvent::StepDecided { call: call("ticket"), choice: Choice::Happened };
    let sure = then(doubted(house.ticket(), "ticket", Unsure::Crashed), 9, "U0CARL", happened);
    let sure = then(sure, 9, "U0CARL", done("ticket", Finish::Person));
    let refused = failed(house.containing(), "contain", (Fault::Protected, ""));
    vec![
        ("waits for an approval", house.waiting()),
        ("runs", house.containing()),
        ("a person is asked", doubted(house.ticket(), "ticket", Unsure::Crashed)),
        (
            "a person is asked about something destructive",
            doubted(house.containing(), "contain", Unsure::Broken),
        ),
        ("nothing was found", house.found(unclear(Doubt::NoneFound), found(0, &[]))),
        ("several were found", house.found(unclear(Doubt::SeveralFound), found(2, &[HOST, HOST]))),
        ("done, and can be undone", ended(said(told(house.containing(), "contain")), End::Done)),
        ("done, by a person's word", ended(sure, End::Done)),
        (
            "failed",
            ended(
                failed(house.containing(), "contain", (Fault::Call(Why::Refused), SAID)),
                End::Failed,
            ),
        ),
        ("held by the gate", ended(refused, End::Refused)),
        ("refused by somebody", ended(then(house.waiting(), 6, "U0CARL", declined), End::Refused)),
        (
            "nobody approved it in time",
            ended(then(house.waiting(), 18, "U0CARL", RunEvent::Lapsed {}), End::Refused),
        ),
        (
            "stopped",
            ended(then(house.containing(), 6, "U0CARL", RunEvent::Cancelled {}), End::Cancelled),
        ),
    ]
}

/// The same run, with everything in it that somebody else may word being `said`.
pub fn spoilt(run: &Run, said: &str) -> Run {
    let mut all = serde_json::to_value(run).expect("a run is plain data");
    spoil(&mut all["content"]["outline"]["asked"], said);
    spoil(&mut all["content"]["outline"]["steps"], said);
    spoil(&mut all["steps"], said);
    all["content"]["title"] = said.into();
    serde_json::from_value(all).expect("it is still a run")
}

/// Wherever one of our sample's own words stands.
fn spoil(value: &mut Value, said: &str) {
    match value {
        Value::String(text) => {
            for word in [HOST, REASON, SAID, "normal", "198.51.100.7"] {
                *text = text.replace(word, said);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, said)),
        Value::Object(map) => map.values_mut().for_each(|item| spoil(item, said)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Every message about a run.
pub fn messages(shown: &Shown<'_>, look: &Look<'_>) -> Vec<Message> {
    let told = |how| Told { how, ..told(Way::Dm, &["U0BEA"], &["S0BLUE"]) };
    vec![
        message::post(shown, look),
        message::copy(shown, look),
        message::notify(&told(Way::Dm), shown, look),
        message::notify(&told(Way::Thread), shown, look),
    ]
}

#[test]
fn runs_in_every_state() {
    let (house, world, alert) = (&*HOUSE, World::new(), on_a_laptop());
    let look = world.look(7);
    let texts: Vec<(String, Message)> = STATES
        .iter()
        .map(|(name, run)| {
            let shown = Shown { run, alert: Some(&alert), catalogue: &house.catalogue };
            ((*name).to_owned(), message::message(&shown, &look))
        })
        .collect();
    see_texts("run_states", &texts);
}

#[test]
fn who_is_wanted_for_a_run_is_told_what_and_why() {
    let (house, world, alert) = (&*HOUSE, World::new(), on_a_laptop());
    let run = house.waiting();
    let shown = Shown { run: &run, alert: Some(&alert), catalogue: &house.catalogue };
    let look = world.look(4);
    see("run_wanted_dm", &message::notify(&told(Way::Dm, &["U0CARL"], &[]), &shown, &look));
    let thread = told(Way::Thread, &["U0CARL"], &["S0BLUE"]);
    see_texts(
        "run_wanted_thread",
        &[("in the thread".to_owned(), message::notify(&thread, &shown, &look))],
    );
}

#[test]
fn forms_of_a_run() {
    let (house, world, alert) = (&*HOUSE, World::new(), on_a_laptop());
    let look = world.look(2);
    let form = |name: &str| ask::form(house.playbook(name), &alert, &look).expect("a form");
    see_form("run_ask", &form("isolate-host"));
    let run = house.isolating();
    let shown = Shown { run: &run, alert: Some(&alert), catalogue: &house.catalogue };
    see_form("run_plan", &plan::form(&shown, &look));
    let run = house.containing();
    let shown = Shown { run: &run, ..shown };
    see_form("run_details", &plan::shown(&shown, &look));
}
