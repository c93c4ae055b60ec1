//! Where sources send: does the bot answer, on this machine and at its public address, and does it want each one's secret.

use super::finding::Finding;
use super::store::Runs;
use super::tls;
use crate::config::{Auth, Http, Source};
use crate::domain::ids::SourceName;
use reqwest::redirect::Policy;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpListener;
use url::Url;

const HOOKS: &str = "hooks";
const PATIENCE: Duration = Duration::from_secs(3);

type Sources = BTreeMap<SourceName, Source>;

/// What stands at the listener's address.
#[derive(Debug, Default)]
pub struct Local {
    pub findings: Vec<Finding>,
    /// A Vigie answers there, whosever it is.
    pub answers: bool,
    /// Something answers there: it may be a Vigie.
    pub occupied: bool,
    pub metrics: Option<String>,
}

impl Local {
    /// It took longer than a person waits.
    pub fn too_slow() -> Self {
        let words = "what listens on http.listen answers too slowly to be looked at";
        let mend = "look at the load of this machine, and at the bot's log";
        let findings = vec![Finding::mend(HOOKS, words, mend)];
        Self { findings, answers: false, occupied: true, metrics: None }
    }
}

/// What an address answered.
struct Got {
    status: u16,
    body: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Whether it is Vigie's `/healthz`, and good.
    fn is_live(&self) -> bool {
        self.status == 200 && self.json()["status"] == "live"
    }
}

/// Follows no redirect, and never holds a secret.
fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().timeout(PATIENCE).redirect(Policy::none())
}

async fn asked(request: reqwest::RequestBuilder) -> reqwest::Result<Got> {
    let response = request.send().await?;
    Ok(Got { status: response.status().as_u16(), body: response.text().await? })
}

/// Looks at `http.listen`.
pub async fn here(http: &Http, sources: &Sources, runs: Runs) -> anyhow::Result<Local> {
    let mut local = Local::default();
    if http.listen.port() == 0 {
        let why = "http.listen has port 0, so that the system chooses another at each start";
        local.findings.push(Finding::untried(HOOKS, why));
        return Ok(local);
    }
    // The certificate is for another name than this machine's own address; `check` looks at it, and `--url` tries it.
    let client = client().no_proxy().tls_danger_accept_invalid_certs(true).build()?;
    let scheme = if http.tls.is_some() { "https" } else { "http" };
    let base = format!("{scheme}://{}", reached(http.listen));
    let health = asked(client.get(format!("{base}/healthz"))).await;
    local.answers = health.as_ref().is_ok_and(Got::is_live);
    local.occupied = health.is_ok();
    if runs == Runs::No || !local.answers {
        local.findings.push(match (runs, local.answers) {
            (Runs::No, true) => Finding::mend(
                HOOKS,
                format!("another Vigie, with another database, listens on {}", http.listen),
                "stop it, or give this one its own port: http.listen",
            ),
            (Runs::No, false) => free(http.listen, local.occupied).await,
            (Runs::Yes | Runs::Unknown, _) => Finding::mend(
                HOOKS,
                format!("a bot has the database, but none answers well on {}", http.listen),
                "it may run with another http.listen (the config as it was when it started, or VIGIE__HTTP__LISTEN), or be \
                 stuck: look at its log, and start it again",
            ),
        });
        return Ok(local);
    }
    local.findings.push(Finding::good(HOOKS, format!("the bot answers on {}", http.listen)));
    local.findings.extend(ready(asked(client.get(format!("{base}/readyz"))).await.ok()));
    local.metrics = asked(client.get(format!("{base}/metrics"))).await.ok().map(|got| got.body);
    let base = Url::parse(&base)?;
    local.findings.extend(each(&client, &base, sources).await);
    Ok(local)
}

/// The address to call for one that is listened on: `0.0.0.0` is every one of this machine's.
fn reached(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// No bot runs: whether it could listen there.
async fn free(listen: SocketAddr, taken: bool) -> Finding {
    let why = match TcpListener::bind(listen).await {
        Ok(_) if !taken => {
            return Finding::good(HOOKS, format!("no bot runs; {listen} is free for it"));
        }
        Ok(_) => ErrorKind::AddrInUse,
        Err(error) => error.kind(),
    };
    let (words, mend) = match why {
        ErrorKind::AddrInUse => (
            format!("another program listens on {listen}"),
            format!(
                "stop it (ss -ltnp 'sport = :{}' names it), or choose another port: http.listen",
                listen.port()
            ),
        ),
        ErrorKind::PermissionDenied => (
            format!("this user may not listen on {listen}"),
            "ports below 1024 are the system's: take 8080, and let a proxy stand before it"
                .to_owned(),
        ),
        ErrorKind::AddrNotAvailable => (
            format!("this machine has no address {}", listen.ip()),
            "http.listen: 127.0.0.1:8080, or 0.0.0.0:8080 for all of its addresses".to_owned(),
        ),
        other => (
            format!("nobody can listen on {listen}: {other}"),
            "http.listen: 127.0.0.1:8080".to_owned(),
        ),
    };
    Finding::mend(HOOKS, words, mend)
}

/// What the bot says of itself: what keeps it from working, and what it warns of. That others hold sockets of its app is told
/// where sockets are.
fn ready(got: Option<Got>) -> Vec<Finding> {
    let Some(got) = got else {
        return vec![Finding::untried("bot", "it does not answer on /readyz")];
    };
    let told = got.json();
    let reasons = told["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut findings: Vec<Finding> = reasons
        .map(|why| {
            let mend = "mend what it says; where it stays so, look at the bot's log";
            Finding::mend("bot", format!("it is not ready: {why}"), mend)
        })
        .collect();
    if findings.is_empty() && got.status == 200 {
        findings.push(Finding::good("bot", "it is ready"));
    }
    let warnings = told["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let others = warnings.filter(|warning| !warning.starts_with("Slack counts"));
    findings.extend(others.map(|warning| Finding::warning("bot", warning, None)));
    findings
}

/// Each source that wants a secret, without one. One that is open by the config is not called: it would take the alert.
async fn each(client: &reqwest::Client, base: &Url, sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, source) in sources {
        if matches!(source.auth, Auth::Open) {
            findings.push(open(name));
            continue;
        }
        let mut address = base.clone();
        if let Ok(mut path) = address.path_segments_mut() {
            path.pop_if_empty().extend(["hooks", name.as_str()]);
        }
        let post = client.post(address.clone()).header("content-type", "application/json");
        findings.push(match asked(post).await {
            Ok(got) => judge(name, &address, got.status),
            Err(error) => {
                let (words, mend) = tls::trouble(&error);
                Finding::mend(HOOKS, format!("{address}: {words}"), mend)
            }
        });
    }
    findings
}

fn open(name: &SourceName) -> Finding {
    Finding::warning(
        HOOKS,
        format!("/hooks/{name} is open by the config: whoever reaches it may send alerts"),
        format!("unless that is meant: sources: {name}: auth: {{bearer: {{env: NAME}}}}"),
    )
}

/// What it means that a POST without a secret was answered so.
fn judge(name: &SourceName, address: &Url, status: u16) -> Finding {
    let wrong = |words: &str, mend: &str| Finding::mend(HOOKS, format!("{address}: {words}"), mend);
    match status {
        401 => Finding::good(HOOKS, format!("{address} wants its secret")),
        200..=299 | 400 | 413 | 415 | 422 => wrong(
            "it reads alerts without a secret, although the config wants one",
            "/readyz says whether the config on disk is in force (a mistake keeps the one before); else something else answers there",
        ),
        300..=399 => wrong(
            "it redirects, and sources do not follow that with a POST",
            "let the proxy hand /hooks/ on to Vigie, and give sources the address as it is then (https)",
        ),
        404 => wrong(
            &format!("it knows no source {name}"),
            "/readyz says whether the config on disk is in force (a mistake keeps the one before); else let the proxy hand /hooks/ on as it is",
        ),
        403 | 407 => wrong(
            "something before Vigie refuses it",
            "let the proxy or firewall pass POST /hooks/ from where the sources are",
        ),
        502..=504 => wrong(
            &format!("HTTP {status}: the proxy does not reach Vigie, or the store takes no writes"),
            "compare the proxy's upstream with http.listen; then /readyz",
        ),
        status => wrong(
            &format!("HTTP {status}, where 401 is expected"),
            "look at what answers there: curl -i -X POST ADDRESS",
        ),
    }
}

/// Looks at the public address.
pub async fn at(url: &Url, sources: &Sources, answers: bool) -> anyhow::Result<Vec<Finding>> {
    if !answers {
        return Ok(vec![Finding::untried("url", "no bot runs here that could answer there")]);
    }
    let client = client().build()?;
    let mut findings = Vec::new();
    if url.scheme() == "http" {
        let words =
            format!("{url} is not encrypted: whoever is on the way reads the sources' secrets");
        findings.push(Finding::warning(
            "url",
            words,
            "give the address a certificate: https".to_owned(),
        ));
    }
    let mut health = url.clone();
    if let Ok(mut path) = health.path_segments_mut() {
        path.pop_if_empty().push("healthz");
    }
    match asked(client.get(health.clone())).await {
        Err(error) => {
            let (words, mend) = tls::trouble(&error);
            findings.push(Finding::mend("url", format!("{url}: {words}"), mend));
            return Ok(findings);
        }
        Ok(got) if got.is_live() => {
            findings.push(Finding::good("url", format!("{url} leads to Vigie")));
        }
        Ok(got) => findings.push(Finding::warning(
            "url",
            format!("{health} is not handed on to Vigie (HTTP {})", got.status),
            "that is well where only /hooks/ is meant to be public".to_owned(),
        )),
    }
    findings.extend(each(&client, url, sources).await);
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    #[test]
    fn only_a_refusal_is_good() {
        let address = Url::parse("https://hooks.example.com/hooks/siem").expect("an address");
        for (status, verdict, words) in [
            (401, Verdict::Good, "wants its secret"),
            (200, Verdict::Mend, "without a secret"),
            (202, Verdict::Mend, "without a secret"),
            (422, Verdict::Mend, "without a secret"),
            (301, Verdict::Mend, "redirects"),
            (404, Verdict::Mend, "knows no source siem"),
            (403, Verdict::Mend, "something before Vigie"),
            (502, Verdict::Mend, "the proxy does not reach Vigie"),
            (500, Verdict::Mend, "where 401 is expected"),
        ] {
            let finding = judge(&"siem".into(), &address, status);
            assert_eq!(finding.verdict, verdict, "{status}");
            assert!(finding.words.contains(words), "{finding:?}");
        }
    }

    #[test]
    fn every_address_is_reached_by_the_machine_itself() {
        for (listen, address) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.1.2.3:80", "10.1.2.3:80"),
        ] {
            let listen: SocketAddr = listen.parse().expect("an address");
            assert_eq!(reached(listen).to_string(), address);
        }
    }

    #[test]
    fn what_the_bot_says_of_itself_is_passed_on() {
        let said = |status, body: &str| ready(Some(Got { status, body: body.to_owned() }));
        assert_eq!(said(200, r#"{"status": "ready"}"#)[0].verdict, Verdict::Good);
        let away = said(503, r#"{"status": "not ready", "reasons": ["Slack is not connected"]}"#);
        assert!(away[0].words.ends_with("not ready: Slack is not connected"), "{away:?}");
        assert_eq!(away[0].verdict, Verdict::Mend);
        let body = r#"{"status": "ready", "warnings": ["Slack counts 1 more", "http.listen has changed"]}"#;
        let warned = said(200, body);
        assert_eq!(
            (warned[1].verdict, warned[1].words.as_str()),
            (Verdict::Warning, "http.listen has changed")
        );
        assert_eq!(warned.len(), 2, "{warned:?}");
    }
}
