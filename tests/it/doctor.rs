//! `vigie doctor`: the real binary against the simulated Slack. Each thing that can be wrong is made wrong, and read as a person
//! reads it at night.

use crate::process::{Running, vigie};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::task::block_in_place;
use vigie::sim::{App, Channel, Fault, Options, Sim, User, Usergroup};
use vigie::standins::{Options as StandinOptions, Standins};

const BOT: &str = "xoxb-canary-bot-19f0";
const APP: &str = "xapp-canary-app-77ac";
const HOOK: &str = "canary-hook-3b5e";

const CONFIG: &str = r##"
slack: {channel: "#soc-alerts"}
roles:
  analyst: {users: ["@ana"], usergroups: ["@blue-team"]}
  lead: {users: [lea@example.com]}
teams:
  blue: {members: role(analyst), lead: role(lead)}
sources:
  siem: {type: generic, auth: {bearer: {env: HOOK}}}
routes:
  - {name: critical, when: "alert.severity == 'critical'", team: blue, channel: "#sec", escalation: critical}
  - {name: the-rest, team: blue}
escalations:
  critical: {ladder: [{after: 5m, dm: lead}, {after: 10m, channel: "#leads"}]}
"##;

fn now_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("later");
    i64::try_from(since_1970.as_millis()).expect("small")
}

fn options() -> Options {
    let app = App { bot_token: BOT.into(), app_token: APP.into(), ..App::default() };
    // Nobody waits for events: no bot need hear them.
    Options { epoch_ms: now_ms(), app, events: Vec::new(), ..Options::default() }
}

/// An address that nobody listens on.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

/// A workspace in which all is well, and a folder with a config for it.
struct House {
    sim: Sim,
    folder: tempfile::TempDir,
    variables: BTreeMap<&'static str, String>,
    listen: SocketAddr,
}

/// What the doctor said, and how long it took.
struct Told {
    code: Option<i32>,
    words: String,
    took: Duration,
}

impl Told {
    /// A line of this verdict that holds these words; and of what is to be mended, below it, how.
    #[track_caller]
    fn says(&self, verdict: &str, words: &str, mend: &str) -> &Self {
        let lines: Vec<&str> = self.words.lines().collect();
        let at = lines.iter().position(|l| l.starts_with(verdict) && l.contains(words));
        let at =
            at.unwrap_or_else(|| panic!("no {verdict:?} line with {words:?} in:\n{}", self.words));
        let below = lines.get(at + 1).filter(|line| line.starts_with("    ")).copied();
        assert!(
            below.unwrap_or_default().contains(mend),
            "not below it: {mend:?} in:\n{}",
            self.words
        );
        self
    }

    #[track_caller]
    fn nothing_to_mend(&self) -> &Self {
        assert!(!self.words.contains("MEND"), "{}", self.words);
        assert_eq!(self.code, Some(0), "{}", self.words);
        self
    }

    #[track_caller]
    fn mends(&self, count: usize) -> &Self {
        let found = self.words.lines().filter(|line| line.starts_with("MEND")).count();
        assert_eq!((self.code, found), (Some(1), count), "{}", self.words);
        self
    }
}

impl House {
    async fn new() -> Self {
        Self::with(options()).await
    }

    async fn with(options: Options) -> Self {
        let sim = Sim::start(options).await.expect("a port");
        for (id, name) in [("U0ANA", "ana"), ("U0BEA", "bea"), ("U0LEA", "lea")] {
            sim.add_user(User { id: id.into(), ..User::named(name) });
        }
        for (id, name) in [("C0SOC", "soc-alerts"), ("C0SEC", "sec"), ("C0LEADS", "leads")] {
            sim.add_channel(Channel { id: id.into(), ..Channel::named(name) });
        }
        let (handle, users) = ("blue-team".to_owned(), vec!["bea".to_owned()]);
        sim.add_usergroup(Usergroup { id: "S0BLUE".into(), handle, users, ..Usergroup::default() });
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("vigie.yaml"), CONFIG).expect("written");
        let listen = free_address();
        let variables = [
            ("SLACK_API_URL", sim.api_url()),
            ("SLACK_BOT_TOKEN", BOT.to_owned()),
            ("SLACK_APP_TOKEN", APP.to_owned()),
            ("HOOK", HOOK.to_owned()),
            ("VIGIE__HTTP__LISTEN", listen.to_string()),
        ];
        Self { sim, folder, variables: variables.into(), listen }
    }

    fn config(&self, from: &str, to: &str) {
        let path = self.folder.path().join("vigie.yaml");
        let text = std::fs::read_to_string(&path).expect("the config");
        assert!(text.contains(from), "{from}");
        std::fs::write(path, text.replace(from, to)).expect("written");
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = vigie(self.folder.path(), args);
        command.envs(&self.variables);
        command
    }

    fn doctor(&self, args: &[&str]) -> Told {
        let args = [&["doctor"], args].concat();
        let begun = Instant::now();
        let output = block_in_place(|| self.command(&args).output().expect("it runs"));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let words = text(&output.stdout) + &text(&output.stderr);
        for secret in [BOT, APP, HOOK] {
            assert!(!words.contains(secret), "{words}");
        }
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(20), "it took {took:?}:\n{words}");
        self.looked_only();
        Told { code: output.status.code(), words, took }
    }

    /// Nothing was posted and no conversation made: what was called only reads.
    fn looked_only(&self) {
        for call in self.sim.calls() {
            let looks = ["apps.connections.open", "auth.test"].contains(&call.method.as_str())
                || [".info", ".list", ".lookupByEmail"]
                    .iter()
                    .any(|end| call.method.ends_with(end));
            let unmade = call.method == "conversations.open"
                && call.error.as_deref().is_none_or(|error| error == "channel_not_found");
            assert!(looks || unmade, "{call:?}");
        }
        for person in ["ana", "bea", "lea"] {
            assert!(self.sim.open_dm(person).is_none(), "a conversation with {person} was made");
        }
    }

    /// A bot with this house's config, once Slack is there.
    async fn serve(&self) -> Running {
        self.serve_by("vigie.yaml").await
    }

    /// The same with a config of another name.
    async fn serve_by(&self, config: &str) -> Running {
        let before = self.sim.sockets();
        let mut serve = Running::start(&mut self.command(&["serve", "--config", config]));
        let mut log = BufReader::new(serve.stderr());
        block_in_place(|| Running::says(&mut log, "Vigie takes webhooks"));
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let connected = self.sim.until(|sim| (sim.sockets() == before + 2).then_some(()));
        tokio::time::timeout(Duration::from_secs(20), connected).await.expect("it connects");
        serve
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder");
        let mut names: Vec<String> = entries
            .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_empty_folder_to_a_bot_that_runs() {
    let mut house = House::new().await;
    std::fs::remove_file(house.folder.path().join("vigie.yaml")).expect("it was there");
    let run = |house: &House, args: &[&str]| {
        let output = block_in_place(|| house.command(args).output().expect("it runs"));
        let words = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {words}");
        words
    };
    let told = run(&house, &["init", "--yes", "--lead", "lea@example.com"]);
    assert!(told.contains("vigie check && vigie doctor && vigie serve"), "{told}");
    assert_eq!(house.files(), [".env.example", "slack-manifest.yaml", "vigie.yaml"]);
    // As the second step says: the variables are those that the example lists.
    let example = std::fs::read_to_string(house.folder.path().join(".env.example")).expect("there");
    let listed: Vec<_> = example.lines().filter_map(|line| line.strip_suffix('=')).collect();
    assert_eq!(listed, ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SIEM_HOOK_TOKEN"]);
    house.variables.insert("SIEM_HOOK_TOKEN", HOOK.to_owned());
    let checked = run(&house, &["check", "--strict"]);
    assert!(checked.contains("vigie.yaml is good") && !checked.contains("warning"), "{checked}");

    let before = house.files();
    house.doctor(&[]).nothing_to_mend().says("ok", "is made at the first start", "");
    assert_eq!(house.files(), before, "it changes nothing");
    assert_eq!(house.sim.sockets(), 0, "its socket is closed again");

    let mut serve = house.serve().await;
    let before = house.files();
    let told = house.doctor(&["--url", &format!("http://{}", house.listen)]);
    told.nothing_to_mend().says("ok", "it is ready", "").says("ok", "wants its secret", "");
    told.says("ok", "a running bot has it", "").says("ok", "nobody else uses this app token", "");
    told.says("warning", "is not encrypted", "https");
    assert_eq!(house.files(), before, "it changes nothing");
    assert_eq!(house.sim.sockets(), 2, "beside a bot it opens no socket");
    let opened = house.sim.transcript().matches("socket opened").count();
    assert_eq!(opened, 3, "the bot's two, and the one of the look without it");

    let body = r#"{"title": "it works"}"#;
    let alert = format!(
        "POST /hooks/siem HTTP/1.1\r\nHost: v\r\nAuthorization: Bearer {HOOK}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(house.listen).expect("it listens");
    stream.write_all(alert.as_bytes()).expect("sent");
    let mut answer = String::new();
    block_in_place(|| stream.read_to_string(&mut answer).expect("answered"));
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let shown = house.sim.until(|sim| (!sim.messages("soc-alerts").is_empty()).then_some(()));
    tokio::time::timeout(Duration::from_secs(20), shown).await.expect("it is shown");
    serve.signal("TERM");
    assert_eq!(block_in_place(|| serve.ends()), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_trouble_with_a_token_is_told_in_words() {
    let mut house = House::new().await;
    let mut bot = |token: &str| {
        house.variables.insert("SLACK_BOT_TOKEN", token.to_owned());
        house.doctor(&[])
    };
    bot("xoxb-another").mends(1).says(
        "MEND",
        "Slack does not know it (invalid_auth)",
        "Bot User OAuth",
    );
    bot("xoxb-another").says("warning", "not tried: channels, people and sockets", "");
    bot(BOT).nothing_to_mend();
    for (word, said) in [("token_revoked", "it was revoked"), ("account_inactive", "taken out")] {
        house.sim.fail_always("auth.test", Fault::error(word));
        house.doctor(&[]).mends(1).says("MEND", said, "install the app again");
    }
    house.sim.heal();
    house.variables.insert("SLACK_APP_TOKEN", "xapp-another".to_owned());
    let told = house.doctor(&[]);
    told.mends(1).says("MEND", "the app token (SLACK_APP_TOKEN) does not work", "App-Level Tokens");
    told.says("warning", "the app token opens none", "").says("ok", "#soc-alerts takes", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_swapped_or_missing_leave_the_rest_to_be_looked_at() {
    let mut house = House::new().await;
    house.variables.insert("SLACK_BOT_TOKEN", APP.to_owned());
    house.variables.insert("SLACK_APP_TOKEN", BOT.to_owned());
    let told = house.doctor(&[]);
    told.mends(2).says("MEND", "slack.bot_token begins with xapp-", "set it in the environment");
    told.says("MEND", "slack.app_token begins with xoxb-", "");
    told.says("warning", "not tried: mend the secrets first", "").says("ok", "is free for it", "");
    house.variables.remove("SLACK_BOT_TOKEN");
    let told = house.doctor(&[]);
    told.says("ok", "is made at the first start", "");
    assert!(house.sim.calls().is_empty(), "no token left this machine");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_tokens_scope_and_its_app_are_looked_at() {
    let mut options = options();
    options.app.app_scopes = vec!["authorizations:read".to_owned()];
    options.app.app_token_of = Some("A0OTHER".to_owned());
    let told = House::with(options).await.doctor(&[]);
    told.mends(2).says("MEND", "it lacks connections:write (missing_scope)", "App-Level Tokens");
    told.says("MEND", "of different apps (A0SIM and A0OTHER)", "api.slack.com/apps/A0SIM");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_missing_scope_is_named_with_what_it_is_for() {
    let mut options = options();
    let missing = ["dnd:read", "usergroups:read", "im:write", "users:read.email"];
    options.scopes.retain(|scope| !missing.contains(&scope.as_str()));
    let told = House::with(options).await.doctor(&[]);
    told.says("MEND", "lacks dnd:read: who has paused notifications", "reinstall the app");
    told.says("MEND", "lacks usergroups:read: who is in the user groups", "reinstall the app");
    told.says("warning", "not tried: the scope usergroups:read is missing", "");
    told.says("warning", "not tried: the scope dnd:read is missing", "");
    told.says("warning", "e-mail addresses need the scope users:read.email", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_trouble_with_a_channel_comes_with_the_line_to_type() {
    let house = House::new().await;
    house.config("#leads", "#nowhere");
    house.sim.remove_bot_from("sec").await.expect("it was in");
    house
        .doctor(&[])
        .mends(2)
        .says("MEND", "#sec: the bot is not in it", "type in that channel: /invite @vigie")
        .says("MEND", "#nowhere: there is no such channel, or it is private", "/invite @vigie")
        .says("ok", "#soc-alerts takes the bot's messages", "");
    house.sim.archive_channel("sec").await.expect("it was open");
    house.sim.share_channel("soc-alerts", "T0OTHER").await.expect("it is there");
    house.config("#nowhere", "#news");
    house.sim.add_channel(Channel { read_only: true, ..Channel::named("news") });
    house
        .doctor(&[])
        .mends(2)
        .says("MEND", "#sec is archived", "unarchive it")
        .says("MEND", "#news: only some may post there", "let @vigie post")
        .says("warning", "#soc-alerts is shared with another organisation", "yours alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_named_and_is_not_there_is_told() {
    let house = House::new().await;
    house.sim.add_user(User { is_restricted: true, ..User::named("greta") });
    house.sim.add_user(User { email: "sam.two@example.com".into(), ..User::named("sam") });
    house.sim.add_user(User::named("sam"));
    house.config(
        "[\"@ana\"]",
        "[\"@ana\", \"@greta\", \"@sam\", U0GONE, no@example.com, \"@nobody\"]",
    );
    house.sim.add_user(User { id: "U0GONE".into(), deleted: true, ..User::named("gone") });
    house
        .doctor(&[])
        .mends(5)
        .says("MEND", "@greta is a guest", "full member")
        .says("MEND", "@sam means several people", "write the Slack id")
        .says("MEND", "U0GONE is deactivated", "take them out")
        .says("MEND", "no@example.com: nobody active has that e-mail", "their Slack account")
        .says("MEND", "@nobody: Slack knows nobody of that name", "write the Slack id")
        .says("ok", "2 named in the config", "")
        .says("ok", "@blue-team has 1 member", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_groups_and_leads_that_are_nobody_are_told() {
    let house = House::new().await;
    house.config("[\"@ana\"]", "[]");
    house.sim.set_usergroup_members("S0BLUE", &[]).await.expect("it is there");
    house.sim.deactivate_user("lea").await.expect("she was there");
    let told = house.doctor(&[]);
    told.says("MEND", "nobody is in @blue-team", "add people to it");
    told.says("MEND", "nobody holds the role analyst", "roles: analyst: users:");
    told.says("MEND", "lead of the team blue means nobody", "teams: blue: lead");
    told.says("MEND", "nobody holds the role lead", "roles: lead: users:");
    assert!(!told.words.contains("route critical"), "what follows from it is not told too");
    house.config("@blue-team", "@old-team");
    let handle = "old-team".to_owned();
    house.sim.add_usergroup(Usergroup { handle, disabled: true, ..Usergroup::default() });
    house.doctor(&[]).says("MEND", "@old-team is disabled", "enable it in Slack");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_a_ladder_that_would_tell_nobody_is_told() {
    let house = House::new().await;
    house.config("{after: 5m, dm: lead}", "{after: 5m, dm: [\"@nobody\"]}");
    house
        .doctor(&[])
        .mends(2)
        .says("MEND", "@nobody: Slack knows nobody of that name", "write the Slack id")
        .says(
            "MEND",
            "route critical: after 300 s the ladder critical means nobody",
            "who is there",
        );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_told() {
    let ten_minutes = 600_000;
    let early = Options { epoch_ms: now_ms() - ten_minutes, ..options() };
    let told = House::with(early).await.doctor(&[]);
    told.mends(1).says("MEND", "s ahead of Slack's", "timedatectl set-ntp true");
    let late = Options { epoch_ms: now_ms() + ten_minutes, ..options() };
    House::with(late).await.doctor(&[]).mends(1).says("MEND", "s behind Slack's", "timedatectl");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_else_uses_the_app_token_is_told_with_a_bot_and_without() {
    let (house, mut other) = (House::new().await, House::new().await);
    other.variables.insert("SLACK_API_URL", house.sim.api_url());
    let before = house.sim.sockets();
    let _theirs = {
        let mut serve = Running::start(&mut other.command(&["serve"]));
        let mut log = BufReader::new(serve.stderr());
        block_in_place(|| Running::says(&mut log, "Vigie takes webhooks"));
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let connected = house.sim.until(|sim| (sim.sockets() == before + 2).then_some(()));
        tokio::time::timeout(Duration::from_secs(20), connected).await.expect("it connects");
        serve
    };
    let told = house.doctor(&[]);
    told.nothing_to_mend().says(
        "warning",
        "counts 2 sockets of this app elsewhere",
        "stop whatever",
    );
    let _ours = house.serve().await;
    let told = house.doctor(&[]);
    told.nothing_to_mend().says(
        "warning",
        // A bot whose second socket is on its way counts one too few rather than one of its own.
        "of this app elsewhere",
        "stop whatever",
    );
    assert_eq!(house.sim.sockets(), 4, "no socket beside a bot");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_open_or_new_is_told_and_none_is_sent_an_alert() {
    let house = House::new().await;
    house.config("sources:\n", "sources:\n  lab: {type: generic, auth: none}\n");
    let file = |name: &str| house.folder.path().join(name);
    std::fs::copy(file("vigie.yaml"), file("another.yaml")).expect("copied");
    let _serve = house.serve_by("another.yaml").await;
    let told = house.doctor(&[]);
    told.nothing_to_mend().says(
        "warning",
        "/hooks/lab is open by the config",
        "sources: lab: auth",
    );
    // The bot goes by another config than the one that is looked at: there one source is missing, and one is open.
    house.config("sources:\n", "sources:\n  new: {type: generic, auth: {bearer: {env: HOOK}}}\n");
    house.config("auth: none", "auth: {bearer: {env: HOOK}}");
    let told = house.doctor(&[]);
    told.mends(2).says("MEND", "it knows no source new", "/readyz");
    told.says("MEND", "/hooks/lab: it reads alerts without a secret", "/readyz");
    assert!(house.sim.messages("soc-alerts").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_speaks_https_is_looked_at_too_and_what_waits_for_a_start_is_told() {
    let mut house = House::new().await;
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls");
    for (name, file) in
        [("VIGIE__HTTP__TLS__CERT", "cert.pem"), ("VIGIE__HTTP__TLS__KEY", "key.pem")]
    {
        house.variables.insert(name, data.join(file).display().to_string());
    }
    let serve = house.serve().await;
    let told = house.doctor(&[]);
    told.nothing_to_mend().says("ok", "/hooks/siem wants its secret", "");
    house.config("slack:", "log: {level: debug}\nslack:");
    serve.signal("HUP");
    for _ in 0..100 {
        let told = house.doctor(&[]);
        if told.words.contains("log has changed: it counts from the next start on") {
            return;
        }
    }
    panic!("what waits is not told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_cannot_be_had_is_told() {
    let mut house = House::new().await;
    let taken = TcpListener::bind(house.listen).expect("it was free");
    house.doctor(&[]).mends(1).says("MEND", "another program listens on 127.0.0.1:", "ss -ltnp");
    drop(taken);
    house.variables.insert("VIGIE__HTTP__LISTEN", "192.0.2.1:8080".to_owned());
    house.doctor(&[]).mends(1).says(
        "MEND",
        "this machine has no address 192.0.2.1",
        "0.0.0.0:8080",
    );
    house.variables.insert("VIGIE__HTTP__LISTEN", "127.0.0.1:0".to_owned());
    house.doctor(&[]).nothing_to_mend().says("warning", "http.listen has port 0", "");
}

/// Answers each connection with this, once it has read a request.
fn answering(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let _ = lines.find(String::is_empty);
            let _ = (&stream).write_all(answer.as_bytes());
        }
    });
    address
}

/// Speaks TLS with a certificate that nobody vouches for; its key stands beside it, and opens nothing else.
fn self_signed() -> SocketAddr {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls");
    let certificate = CertificateDer::from_pem_file(folder.join("self-signed.crt")).expect("PEM");
    let key = PrivateKeyDer::from_pem_file(folder.join("self-signed.key")).expect("PEM");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a pair");
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").expect("a port"));
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut connection = rustls::ServerConnection::new(config.clone()).expect("TLS");
            // The client says no and goes.
            let _ = rustls::Stream::new(&mut connection, &mut stream).read(&mut [0; 64]);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_address_is_tried_as_a_source_would() {
    let house = House::new().await;
    let nobody = house.doctor(&["--url", "https://hooks.example.com"]);
    nobody.nothing_to_mend().says("warning", "no bot runs here that could answer there", "");
    let _serve = house.serve().await;
    let at = |url: String| house.doctor(&["--url", &url]);
    let plain = answering(
        "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    );
    let told = at(format!("http://{plain}/sec"));
    told.mends(1).says("MEND", "/sec/hooks/siem: it redirects", "hand /hooks/ on");
    told.says("warning", "healthz is not handed on to Vigie (HTTP 301)", "only /hooks/");
    let open = answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    at(format!("http://{open}")).mends(1).says(
        "MEND",
        "without a secret",
        "something else answers",
    );
    at(format!("https://{plain}")).mends(1).says("MEND", "it does not speak TLS", "serve https");
    let port = self_signed().port();
    at(format!("https://localhost:{port}")).mends(1).says(
        "MEND",
        "nobody known vouches for its certificate",
        "whole chain",
    );
    at(format!("https://{}", free_address())).mends(1).says("MEND", "onnection refused", "proxy");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_no_slack_is_told_and_the_tokens_are_not_blamed() {
    let mut house = House::new().await;
    let wrong = house.sim.api_url().replace("/api/", "/");
    house.variables.insert("SLACK_API_URL", wrong);
    house.doctor(&[]).mends(1).says("MEND", "is no Slack (http_404)", "ends with /api/");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_and_a_database_that_are_anothers_are_told() {
    use std::os::unix::process::CommandExt as _;
    let house = House::new().await;
    let folder = house.folder.path();
    let (database, binary) = (folder.join("vigie.db"), folder.join("vigie"));
    drop(vigie::store::Writer::open(&database).expect("a new database"));
    std::fs::copy(env!("CARGO_BIN_EXE_vigie"), &binary).expect("copied");
    let mode = |path: &Path, mode| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("set");
    };
    mode(&database, 0o400);
    mode(folder, 0o555);
    let mut command = std::process::Command::new(&binary);
    command.arg("doctor").current_dir(folder).env_clear().envs(&house.variables);
    // Nothing is forbidden to root.
    if nix::unistd::Uid::effective().is_root() {
        command.uid(65_534).gid(65_534);
    }
    let output = block_in_place(|| command.output().expect("it runs"));
    mode(folder, 0o755);
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = Told { code: output.status.code(), words, took: Duration::ZERO };
    told.says("MEND", "nothing can be written in", "as the user that the bot runs as");
    told.says("MEND", "vigie.db cannot be written", "chown");
    assert_eq!(told.code, Some(1), "{}", told.words);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_slack_is_away_that_is_said_once_and_the_rest_is_looked_at() {
    let mut house = House::new().await;
    house.sim.fail_always("*", Fault::Hang(Duration::from_secs(600)));
    let told = house.doctor(&[]);
    told.mends(1).says("MEND", "Slack cannot be asked", "DNS, firewall").says("ok", "is free", "");
    assert!(told.took < Duration::from_secs(10), "{:?}", told.took);
    house.sim.heal();
    for method in ["users.list", "conversations.info", "dnd.info"] {
        house.sim.fail_always(method, Fault::Hang(Duration::from_secs(600)));
    }
    house.doctor(&[]).says("warning", "Slack is slow or limits us", "try again in a minute");
    house.variables.insert("SLACK_API_URL", format!("http://{}/api/", free_address()));
    house.doctor(&[]).mends(1).says("MEND", "Slack cannot be asked", "DNS, firewall");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_looked_at_without_a_trace() {
    let house = House::new().await;
    house.config("slack:", "store: {path: data/vigie.db}\nslack:");
    house.doctor(&[]).mends(1).says("MEND", "the folder data cannot be used", "mkdir -p data");
    std::fs::create_dir(house.folder.path().join("data")).expect("made");
    house.doctor(&[]).nothing_to_mend();
    std::fs::write(house.folder.path().join("data/vigie.db"), "a letter").expect("written");
    house.doctor(&[]).mends(1).says("MEND", "is not a vigie database", "store.path");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_can_read_it_and_a_config_that_does_not_read_is_checks_matter() {
    let house = House::new().await;
    let told = house.doctor(&["--format", "json"]);
    let read: Value = serde_json::from_str(&told.words).expect("JSON");
    assert_eq!((told.code, &read["good"]), (Some(0), &Value::Bool(true)), "{}", told.words);
    assert!(read["findings"].as_array().expect("a list").iter().all(|f| f["verdict"] == "good"));
    house.config("routes:", "rotues:");
    let told = house.doctor(&[]);
    assert_eq!(told.code, Some(2));
    assert!(
        told.words.contains("`rotues`") && told.words.contains("vigie check"),
        "{}",
        told.words
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_tool_is_asked_whether_it_lets_us_in() {
    let tools = Standins::start(StandinOptions::default()).await.expect("ports");
    let mut house = House::new().await;
    let (iam, edr) = (tools.iam.url(), tools.edr.url());
    let config = format!(
        "tools:\n  okta: {{base_url: \"{iam}\", internal: [127.0.0.1], token: {{env: OKTA}}}}\n  crowdstrike: {{base_url: \"{edr}\", \
         internal: [127.0.0.1], client_id: standin-edr-client, client_secret: {{env: EDR}}}}\nroutes:"
    );
    house.config("routes:", &config);
    house.variables.insert("OKTA", "standin-okta-token".to_owned());
    house.variables.insert("EDR", "a-secret-that-is-wrong".to_owned());
    let told = house.doctor(&[]);
    told.mends(1).says("ok", "okta", "").says(
        "MEND",
        "crowdstrike",
        "vigie connector test crowdstrike",
    );
    assert!(!told.words.contains("a-secret-that-is-wrong"), "{}", told.words);
    house.variables.insert("EDR", "standin-edr-secret".to_owned());
    house.doctor(&[]).nothing_to_mend().says("ok", "crowdstrike", "");
    let changed: Vec<_> = tools.all().iter().flat_map(|(_, tool)| tool.effects()).collect();
    assert_eq!(changed, Vec::<String>::new());
}
