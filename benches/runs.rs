//! What one step of a run costs the writer, with a million entries behind it and with none; and a thousand runs side by side.
//!
//! `cargo bench --bench runs`. The two databases take turns, so that the disk of the day cancels out. The tools are left out: a step
//! is taken from the outbox, cleared by the gate, and its outcome handed in, as the caller does it.
#![expect(clippy::print_stdout, reason = "its numbers are its answer")]

use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vigie::clock::Clock;
use vigie::connectors::{Given, Library, connect};
use vigie::domain::alert::escalation::Ladder;
use vigie::domain::alert::{Entities, Normalised, Severity, Status};
use vigie::domain::effect::Effect;
use vigie::domain::ids::{AlertId, InputKey, RunId, ToolName};
use vigie::domain::input::*;
use vigie::domain::people::{ChannelRef, Directory, Surface, UserRef};
use vigie::domain::playbook::{Asked, Playbooks};
use vigie::domain::policy::{Permission, Policy, Role};
use vigie::domain::tool::Catalogue;
use vigie::domain::tool::call::{Answered, Called};
use vigie::engine::{Bells, Pulse, Surroundings, handle, lanes};
use vigie::inbox::{self, Inbox};
use vigie::playbooks::{self, Known};
use vigie::store::{Reader, Writer, outbox};

/// Each leaves two entries: it comes in, and comes again.
const HISTORY: u32 = 500_000;
const RUNS: u32 = 100;
const STEPS: u32 = 5;
/// Each pair is the full database, then the empty one; the middle ratio counts.
const PAIRS: usize = 9;
const CALLERS: u32 = 128;
/// What a step may cost with history behind it, in steps without.
const MOST_COSTLY: f64 = 1.2;
/// What a thousand runs may leave behind in memory.
const MOST_MIB: f64 = 8.0;
const ROUNDS: u32 = 4;

fn policy() -> Policy {
    let name = ToolName::from("http");
    let spec = Library::shipped().get("http").expect("it is shipped");
    let base = ("base_url".to_owned(), "https://tool.example.com".into());
    let given = Given { plain: [base].into(), ..Given::default() };
    let (tool, _) = connect(spec, &name, given).expect("it is connected");
    let catalogue = Arc::new(Catalogue([(name, Arc::new(tool))].into()));
    let steps: String = (1..=STEPS)
        .map(|n| format!("  - {{id: s{n}, uses: http.request, with: {{method: GET, path: '/hosts/{{{{ alert.hosts[0] }}}}'}}}}\n"))
        .collect();
    let text = format!("title: Look\nsteps:\n{steps}");
    let known = Known { catalogue: &catalogue, roles: None };
    let playbook = playbooks::check("look.yaml", &text, known).expect("it is good").playbook;
    let role = Role {
        users: vec![UserRef("U0ANA".to_owned())],
        may: Permission::ALL.into(),
        ..Role::default()
    };
    Policy {
        config_hash: "c0ffee".to_owned(),
        since: vigie::domain::time::Timestamp::from_millis(0),
        ladders_since: Default::default(),
        timezone: jiff::tz::TimeZone::UTC,
        channel: ChannelRef("#soc".to_owned()),
        roles: [("analyst".into(), role)].into(),
        teams: Default::default(),
        routes: Vec::new(),
        escalations: [(Ladder::STANDARD.into(), Ladder::standard())].into(),
        catalogue,
        playbooks: Arc::new(Playbooks([("look".into(), Arc::new(playbook))].into())),
        protected: Default::default(),
        limits: Default::default(),
    }
}

fn alert_id(number: u32) -> AlertId {
    AlertId::new(format!("alr_01JDGQ5R6ZK3V8W9XA{number:08}"))
}

fn alert(number: u32, clock: &Clock) -> Delivery {
    let alert = Normalised {
        id: Some(format!("detection-{number}")),
        title: format!("A shell was spawned by the web server on web-{number}"),
        description: None,
        rule: Some("shell-from-web-server".to_owned()),
        severity: Severity::High,
        status: Status::Firing,
        dedup_key: format!("detection-{number}"),
        url: None,
        entities: Entities { hosts: vec![format!("web-{number}")], ..Entities::default() },
        tactic: None,
        technique: None,
        occurred_at: None,
    };
    let (id, source) = (alert_id(number), "edr".into());
    let incoming = Incoming { id, source, alert, raw: "{}".to_owned(), test: false, by: None };
    Delivery { key: None, at: clock.now(), input: Input::Alert(Box::new(incoming)) }
}

/// A database with its writer at work.
struct Desk {
    inbox: Inbox,
    reader: Reader,
    clock: Clock,
    /// The next run's number.
    next: u32,
    _policy: tokio::sync::watch::Sender<Arc<Policy>>,
    _directory: tokio::sync::watch::Sender<Arc<Directory>>,
}

impl Desk {
    fn open(path: &Path) -> Self {
        let (set_policy, policy) = tokio::sync::watch::channel(Arc::new(policy()));
        let (set_directory, directory) =
            tokio::sync::watch::channel(Arc::new(Directory::default()));
        let clock = Clock::real();
        let writer = Writer::open(path).expect("a new database");
        let reader = writer.reader();
        let surroundings = Surroundings { policy, directory };
        let boot = "boot_01JDGQ5R6ZK3V8W9XACEGHJKMN".into();
        let handler =
            handle::Handler::start(writer, boot, clock.clone(), surroundings).expect("starts");
        let (inbox, queue) = inbox::open();
        let pulse = Pulse::new(tokio::time::Instant::now());
        tokio::spawn(handle::run(handler, queue, Bells::default(), pulse));
        Self { inbox, reader, clock, next: 0, _policy: set_policy, _directory: set_directory }
    }

    async fn fill(&self, alerts: u32) {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (inbox, clock) = (self.inbox.clone(), self.clock.clone());
                tokio::spawn(async move {
                    for number in (caller..alerts).step_by(CALLERS as usize) {
                        for _ in 0..2 {
                            inbox.offer(alert(number, &clock)).await.expect("the store takes it");
                        }
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.expect("no panic");
        }
        // What history leaves to be said is no part of a step.
        self.inbox.ping().await;
    }

    /// So many runs, one after another; the time of one step.
    async fn steps(&mut self, runs: u32) -> Duration {
        let mut all = Duration::ZERO;
        for _ in 0..runs {
            self.next += 1;
            let run = self.start(self.next).await;
            let begun = Instant::now();
            for _ in 0..STEPS {
                self.step(&run).await;
            }
            all += begun.elapsed();
        }
        all / (runs * STEPS)
    }

    async fn start(&self, number: u32) -> RunId {
        let (alert, run) =
            (2_000_000 + number, RunId::new(format!("run_01JDGQ5R6ZK3V8W9XA{number:08}")));
        self.inbox.offer(self::alert(alert, &self.clock)).await.expect("the store takes it");
        let planned =
            Act::PlanRun { playbook: "look".into(), run: run.clone(), asked: Asked::new() };
        self.click(planned, Binding::Named { alert: alert_id(alert) }).await;
        self.click(Act::StartRun, Binding::NamedRun { run: run.clone() }).await;
        run
    }

    async fn click(&self, act: Act, binding: Binding) {
        let person =
            Clicker { user: "U0ANA".into(), name: None, workspace: None, enterprise: None };
        let (who, via, reply_to) = (Who::Person(person), Surface::Cli, None);
        let click = Click { who, via, act, binding, reply_to };
        let input = Input::Click(Box::new(click));
        let delivery = Delivery { key: None, at: self.clock.now(), input };
        let answer = self.inbox.offer(delivery).await.expect("the store takes it");
        assert!(!matches!(answer, Answer::Refused { .. }), "{answer:?}");
    }

    /// Takes the run's next call from the outbox, has it cleared, and hands in that it is done.
    async fn step(&self, run: &RunId) {
        let lane = format!("{}call http {run}", lanes::CALLS);
        let now = self.clock.now();
        let job = self
            .reader
            .query(move |connection: &Connection| outbox::next_of(connection, &lane, now, Some))
            .await
            .expect("reads")
            .expect("a call waits");
        let Effect::Call { run, call, purpose, .. } = job.effect.clone() else { panic!("a call") };
        let due = CallDue { run, call, purpose, names: None };
        let input = Input::Moment(Moment::CallDue(Box::new(due)));
        let delivery = Delivery { key: None, at: self.clock.now(), input };
        let answer = self.inbox.submit(delivery).await.expect("the store takes it");
        assert!(matches!(answer, Answer::Call(_)), "{answer:?}");
        let result = Done::Called(Box::new(Called::Answered(Answered::default())));
        let outcome = Outcome { row: (job.id, job.generation), effect: job.effect, result };
        let key = Some(InputKey::new(format!("call:{}", job.id.0)));
        let delivery = Delivery { key, at: self.clock.now(), input: Input::Outcome(outcome) };
        self.inbox.submit(delivery).await.expect("the store takes it");
    }
}

/// A thousand runs, all of them under way at once.
async fn a_thousand(desk: &Arc<Desk>, from: u32) {
    let mut side_by_side = tokio::task::JoinSet::new();
    for number in from..from + 1_000 {
        let desk = desk.clone();
        side_by_side.spawn(async move {
            let run = desk.start(number).await;
            for _ in 0..STEPS {
                desk.step(&run).await;
            }
        });
    }
    while let Some(ended) = side_by_side.join_next().await {
        ended.expect("no panic");
    }
}

fn resident_mib() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: f64 = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or_default();
    pages * 4096.0 / 1024.0 / 1024.0
}

fn main() {
    // `cargo test --benches` is no reason to run for minutes.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let mut full = Desk::open(&folder.path().join("full.db"));
        let mut empty = Desk::open(&folder.path().join("empty.db"));
        let begun = Instant::now();
        full.fill(HISTORY).await;
        println!("{} entries of history in {:.0} s", HISTORY * 2, begun.elapsed().as_secs_f64());
        let mut ratios = Vec::new();
        for _ in 0..PAIRS {
            let (with, without) = (full.steps(RUNS).await, empty.steps(RUNS).await);
            ratios.push(with.as_secs_f64() / without.as_secs_f64());
            println!("a step: {:?} with history, {:?} without", with, without);
        }
        ratios.sort_by(f64::total_cmp);
        let ratio = ratios[PAIRS / 2];
        println!("history costs a step {ratio:.2}x (middle of {PAIRS})");
        assert!(ratio <= MOST_COSTLY, "that is more than {MOST_COSTLY}x");

        let empty = Arc::new(empty);
        let mut resident = vec![resident_mib()];
        for round in 0..ROUNDS {
            let begun = Instant::now();
            a_thousand(&empty, 500_000 + round * 1_000).await;
            resident.push(resident_mib());
            let took = begun.elapsed().as_secs_f64();
            let more = resident[resident.len() - 1] - resident[resident.len() - 2];
            println!("1,000 runs of {STEPS} steps side by side: {took:.1} s, {more:.0} MiB more");
        }
        // The first brings threads and caches with it; what the others add is what runs leave behind.
        let more = (resident[ROUNDS as usize] - resident[1]) / f64::from(ROUNDS - 1);
        println!("each further thousand leaves {more:.1} MiB");
        assert!(more <= MOST_MIB, "that is more than {MOST_MIB} MiB");
    });
}
