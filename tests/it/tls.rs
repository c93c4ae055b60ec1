//! HTTPS by the listener itself: webhooks come in, a renewed certificate needs no restart, and nobody holds up the others.

use crate::world::{CONFIG, HOOK_TOKEN, Log, World, high};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use vigie::config::{Outside, Problem, Secrets, Settings};
use vigie::connectors::Library;

const SECOND: Duration = Duration::from_secs(1);
const MIN: Duration = Duration::from_secs(60);

/// A certificate for `localhost` and its key, both in PEM.
struct Made {
    cert: String,
    key: String,
}

fn made_until(year: i32, month: u8, day: u8) -> Made {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, month, day);
    let key = KeyPair::generate().expect("a key");
    let cert = params.self_signed(&key).expect("a certificate");
    Made { cert: cert.pem(), key: key.serialize_pem() }
}

fn made() -> Made {
    made_until(2099, 1, 1)
}

/// Puts the pair where the config names it.
fn put(folder: &Path, cert: &str, key: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(folder.join("cert.pem"), cert).expect("written");
    let path = folder.join("key.pem");
    std::fs::write(&path, key).expect("written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("set");
}

fn config(folder: &Path) -> String {
    let folder = folder.display();
    format!("{CONFIG}http: {{tls: {{cert: {folder}/cert.pem, key: {folder}/key.pem}}}}\n")
}

/// A world whose listener serves HTTPS under the first of what it is given to put there.
fn with_tls(story: impl AsyncFnOnce(&World, &Path, Made)) {
    with_tls_and_log(async |w, _, folder, first| {
        story(w, folder, first).await;
    });
}

fn with_tls_and_log(story: impl AsyncFnOnce(&World, &Log, &Path, Made)) {
    let folder = tempfile::tempdir().expect("a folder");
    let first = made();
    put(folder.path(), &first.cert, &first.key);
    World::play(&config(folder.path()), async |w, log| {
        story(w, log, folder.path(), first).await;
        w.settle().await;
        w.stop().await;
        w.sound(log, &[]);
    });
}

/// A sender that trusts this certificate and no other, and speaks no more than it is told to.
fn sender(trusted: &Made) -> reqwest::ClientBuilder {
    let root = reqwest::Certificate::from_pem(trusted.cert.as_bytes()).expect("a certificate");
    reqwest::Client::builder().no_proxy().tls_certs_only([root]).pool_max_idle_per_host(0)
}

fn url(w: &World, path: &str) -> String {
    format!("https://localhost:{}{path}", w.app().listen().port())
}

/// Sends an alert; the status, or that no connection came about.
async fn send(w: &World, client: &reqwest::Client, title: &str) -> Option<u16> {
    let request = client.post(url(w, "/hooks/edr")).bearer_auth(HOOK_TOKEN).json(&high(title));
    request.send().await.ok().map(|answer| answer.status().as_u16())
}

async fn connect(w: &World) -> TcpStream {
    let address = w.app().listen();
    TcpStream::connect(address).await.expect("it listens")
}

async fn warnings(w: &World, trusted: &Made) -> Value {
    let client = sender(trusted).build().expect("a client");
    let answer = client.get(url(w, "/readyz")).send().await.expect("the listener answers");
    assert_eq!(answer.status(), 200);
    answer.json::<Value>().await.expect("JSON")["warnings"].clone()
}

#[test]
fn a_webhook_over_https_is_taken_and_its_alert_shown() {
    with_tls(async |w, _, cert| {
        for (version, title) in [
            (reqwest::tls::Version::TLS_1_2, "odd login"),
            (reqwest::tls::Version::TLS_1_3, "odder login"),
        ] {
            let client = sender(&cert).tls_version_min(version).tls_version_max(version);
            let client = client.build().expect("a client");
            assert_eq!(send(w, &client, title).await, Some(202));
            w.message("#soc-alerts", title).await.expect("prod-db-1").await;
        }
        assert_eq!(w.ask("SELECT count(*) FROM alerts_v1"), "2");
        assert_eq!(warnings(w, &cert).await, json!(null));
        let stranger = sender(&made()).build().expect("a client");
        assert_eq!(send(w, &stranger, "never").await, None, "who does not trust us sends nothing");
    });
}

#[test]
fn a_renewed_certificate_is_served_within_minutes_and_at_once_at_a_reload() {
    with_tls(async |w, folder, first| {
        let client = |cert: &Made| sender(cert).build().expect("a client");
        for (number, asked) in [(1, false), (2, true)] {
            let next = made();
            put(folder, &next.cert, &next.key);
            if asked {
                w.read_again().await.expect("the config is good");
            } else {
                w.sleep(2 * MIN).await;
            }
            let title = format!("odd login {number}");
            assert_eq!(send(w, &client(&next), &title).await, Some(202));
            assert_eq!(send(w, &client(&first), "never").await, None, "the old one is gone");
            w.message("#soc-alerts", &title).await;
        }
    });
}

#[test]
fn a_broken_renewal_leaves_the_old_certificate_and_is_said_once() {
    with_tls_and_log(async |w, log, folder, first| {
        let client = sender(&first).build().expect("a client");
        let (next, expired) = (made(), made_until(2021, 1, 1));
        let said = |words: &str| log.text().lines().filter(|line| line.contains(words)).count();
        for (cert, key, why) in [
            (next.cert.as_str(), first.key.as_str(), "does not belong to the certificate"),
            ("", &next.key, "is not PEM"),
            (&next.cert[..200], &next.key, "cut off or damaged"),
            (&expired.cert, &expired.key, "the new certificate has expired already"),
        ] {
            put(folder, cert, key);
            w.sleep(5 * MIN).await;
            assert_eq!(said(why), 1, "{why}");
            let warned = warnings(w, &first).await.to_string();
            assert!(warned.contains(why), "{warned}");
        }
        assert_eq!(send(w, &client, "odd login").await, Some(202));
        w.message("#soc-alerts", "odd login").await;
        put(folder, &next.cert, &next.key);
        w.sleep(2 * MIN).await;
        assert_eq!(warnings(w, &next).await, json!(null), "it is mended");
        let secret: Vec<_> = next.key.lines().filter(|line| !line.starts_with("-----")).collect();
        assert!(secret.iter().all(|line| !log.text().contains(line)), "the key is in the log");
    });
}

#[test]
fn whoever_speaks_plain_http_gets_a_clean_close_and_does_no_harm() {
    with_tls(async |w, _, cert| {
        let body = "x".repeat(30_000);
        let length = body.len();
        let request = format!(
            "POST /hooks/edr HTTP/1.1\r\nHost: vigie\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        for said in [request.as_str(), "GET /healthz HTTP/1.0\r\n\r\n", "\0", ""] {
            let mut stream = connect(w).await;
            stream.write_all(said.as_bytes()).await.expect("is sent");
            if said.len() < 2 {
                stream.shutdown().await.expect("says no more");
            }
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.expect("closed, not reset");
            assert!(!answer.starts_with(b"HTTP"), "nothing is answered in clear");
        }
        let client = sender(&cert).build().expect("a client");
        assert_eq!(send(w, &client, "odd login").await, Some(202));
        w.message("#soc-alerts", "odd login").await;
    });
}

#[test]
fn those_who_connect_and_say_nothing_hold_up_nobody_and_are_let_go() {
    with_tls(async |w, _, cert| {
        let mut silent = Vec::new();
        for _ in 0..150 {
            silent.push(connect(w).await);
        }
        let began = tokio::time::Instant::now();
        let client = sender(&cert).build().expect("a client");
        assert_eq!(send(w, &client, "odd login").await, Some(202));
        assert!(began.elapsed() < SECOND, "it waited {:?}", began.elapsed());
        w.message("#soc-alerts", "odd login").await;
        let mut byte = [0];
        let oldest = tokio::time::timeout(SECOND, silent[0].read(&mut byte)).await;
        assert_eq!(oldest.expect("it made way").expect("closed"), 0);
        let youngest = silent.last_mut().expect("there are some");
        let time = 15 * SECOND;
        let ended = tokio::time::timeout(time, youngest.read(&mut byte)).await;
        assert_eq!(ended.expect("its time is over").expect("closed"), 0);
    });
}

#[test]
fn a_stop_waits_for_no_handshake() {
    with_tls(async |w, _, _| {
        let silent = connect(w).await;
        w.sleep(SECOND).await;
        let began = tokio::time::Instant::now();
        w.stop().await;
        assert!(began.elapsed() < 5 * SECOND, "it waited {:?}", began.elapsed());
        drop(silent);
        w.start().await;
    });
}

fn read(
    http: &str,
    secrets: Secrets,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Settings, Vec<Problem>> {
    let text = format!(
        "roles: {{analyst: {{users: [alice@example.com]}}}}\n\
         sources: {{s: {{type: generic, auth: {{bearer: {{env: TOKEN}}}}}}}}\n\
         routes: [{{name: everything}}]\n{http}"
    );
    let env = |name: &str| match name {
        "SLACK_BOT_TOKEN" => Some("xoxb-bot".to_owned()),
        "SLACK_APP_TOKEN" => Some("xapp-app".to_owned()),
        "TOKEN" => Some("secret".to_owned()),
        other => env(other),
    };
    Settings::read(
        "vigie.yaml",
        &text,
        &Outside { env: &env, mappings: &["generic"], connectors: Library::shipped(), secrets },
    )
}

fn warned(http: &str) -> Vec<String> {
    let settings = read(http, Secrets::Fetch, &|_| None).expect("it can be used");
    settings.warnings.iter().map(Problem::headline).collect()
}

#[test]
fn check_warns_of_a_certificate_that_ends_and_of_a_key_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().display();
    let http = format!("http:\n  tls:\n    cert: {path}/cert.pem\n    key: {path}/key.pem\n");
    let good = made();
    put(folder.path(), &good.cert, &good.key);
    assert_eq!(warned(&http), [""; 0]);
    let key = folder.path().join("key.pem");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).expect("set");
    assert_eq!(warned(&http), [""; 0], "a group may read it");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("set");
    let [open] = &warned(&http)[..] else { panic!("one warning") };
    assert!(open.starts_with("vigie.yaml:7:10: ") && open.contains("chmod 640"), "{open}");

    let in_days = |days| {
        let day = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let day = day.saturating_add(jiff::Span::new().days(days));
        made_until(day.year().into(), day.month() as u8, day.day() as u8)
    };
    for (days, said) in [(-2, Some("expired on ")), (13, Some("expires on ")), (16, None)] {
        let made = in_days(days);
        put(folder.path(), &made.cert, &made.key);
        let warned = warned(&http);
        assert_eq!(warned.len(), usize::from(said.is_some()), "{warned:?}");
        if let Some(words) = said {
            let at_its_place = warned[0].starts_with("vigie.yaml:6:11: ");
            assert!(at_its_place && warned[0].contains(words), "{warned:?}");
        }
    }
}

#[test]
fn check_warns_where_secrets_would_travel_in_clear() {
    for (http, clear) in [
        ("http: {listen: \"0.0.0.0:8080\"}\n", true),
        ("http: {listen: \"[::]:8080\"}\n", true),
        ("http: {listen: \"10.0.0.7:8080\"}\n", true),
        ("http: {listen: \"127.0.0.1:8080\"}\n", false),
        ("http: {listen: \"[::1]:8080\"}\n", false),
        (
            "http: {listen: \"0.0.0.0:8080\", tls: {cert: tests/data/tls/cert.pem, key: tests/data/tls/key.pem}}\n",
            false,
        ),
    ] {
        let warned = warned(http);
        let told = warned
            .iter()
            .any(|words| words.starts_with("vigie.yaml:4:") && words.contains("in clear"));
        assert_eq!(told, clear, "{http}{warned:?}");
    }
    let env = |name: &str| (name == "VIGIE__HTTP__LISTEN").then(|| "0.0.0.0:80".to_owned());
    let settings = read("", Secrets::Fetch, &env).expect("it can be used");
    assert!(settings.warnings[0].headline().starts_with("VIGIE__HTTP__LISTEN: webhooks"));
}

#[test]
fn the_environment_names_the_files_too_and_what_is_wrong_with_them_is_said_of_the_variable() {
    let env = |name: &str| match name {
        "VIGIE__HTTP__TLS__CERT" => Some("tests/data/tls/cert.pem".to_owned()),
        "VIGIE__HTTP__TLS__KEY" => Some("tests/data/tls/key.pem".to_owned()),
        _ => None,
    };
    let tls = read("", Secrets::Fetch, &env).expect("good").http.tls.expect("HTTPS is wanted");
    assert_eq!(tls.key, Path::new("tests/data/tls/key.pem"));
    let told = |key: &str| {
        let env = |name: &str| match name {
            "VIGIE__HTTP__TLS__KEY" => Some(key.to_owned()).filter(|key| !key.is_empty()),
            other => env(other),
        };
        let problems = read("", Secrets::Fetch, &env).expect_err("a mistake");
        problems.iter().map(ToString::to_string).collect::<String>()
    };
    let wrong = told("tests/data/tls/other-key.pem");
    assert!(wrong.starts_with("VIGIE__HTTP__TLS__KEY: the key does not belong"), "{wrong}");
    let lacking = told("");
    assert!(lacking.starts_with("VIGIE__HTTP__TLS__CERT: `http.tls` wants `key`"), "{lacking}");
    let pasted = told("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n");
    assert!(pasted.contains("the path of a file") && !pasted.contains("hunter2"), "{pasted}");
}

#[test]
fn a_key_that_stands_in_the_config_itself_is_not_shown() {
    let bad = include_str!("../data/config/bad/tls-key-itself.yaml");
    let http = &bad[bad.find("http:").expect("the section")..];
    let problems = read(http, Secrets::Fetch, &|_| None).expect_err("a mistake");
    let told: String = problems.iter().map(ToString::to_string).collect();
    assert!(told.contains("the path of a file is wanted"), "{told}");
    assert!(!told.contains("PRIVATE KEY") && !told.contains("MC4CAQ"), "{told}");
}

#[test]
fn without_secrets_the_files_are_let_be() {
    let http = "http: {tls: {cert: /nonexistent/cert.pem, key: /nonexistent/key.pem}}\n";
    assert!(read(http, Secrets::Leave, &|_| None).is_ok());
    assert!(read(http, Secrets::Fetch, &|_| None).is_err());
}
