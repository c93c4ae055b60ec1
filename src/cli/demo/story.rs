//! The alerts that arrive while somebody looks.

use super::TOKEN;
use crate::clock::Clock;
use crate::domain::time::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// A few alerts of several products: one critical, one that repeats, one that its source resolves. Between them they name what
/// each playbook that we ship is for: a host, a user, a repository.
pub async fn play(hooks: String, clock: Clock) {
    let client = reqwest::Client::builder().no_proxy().build();
    let Ok(client) = client else { return };
    let send = async |source: &str, body: &Value| {
        let sent =
            client.post(format!("{hooks}{source}")).bearer_auth(TOKEN).json(body).send().await;
        if let Err(error) = sent {
            tracing::warn!(error = %error.without_url(), "The demo could not send its alert");
        }
    };
    let wait = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
    wait(1).await;
    send("soc", &impossible_travel()).await;
    wait(1).await;
    send("soc", &credential_dump()).await;
    wait(4).await;
    send("prometheus", &shell_in_container("firing", clock.now())).await;
    wait(4).await;
    send("soc", &leaked_secret()).await;
    wait(4).await;
    send("soc", &impossible_travel()).await;
    wait(20).await;
    send("prometheus", &shell_in_container("resolved", clock.now())).await;
}

fn impossible_travel() -> Value {
    json!({
        "id": "okta-7f31", "title": "Impossible travel: Lyon, then Singapore 40 minutes later",
        "severity": "high", "rule": "impossible-travel", "users": ["j.durand@example.com"],
        "ips": ["203.0.113.54", "198.51.100.23"], "tactic": "Initial Access", "technique": "T1078",
        "description": "Two sign-ins with the same session, from networks 10,800 km apart.",
        "url": "https://idp.example.com/admin/events/okta-7f31",
    })
}

fn credential_dump() -> Value {
    json!({
        "id": "edr-9913", "title": "Credential dump: lsass.exe was read by procdump64.exe",
        "severity": "critical", "rule": "lsass-access", "hosts": ["fin-laptop-12"], "users": ["m.leroy@example.com"],
        "hashes": ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        "tactic": "Credential Access", "technique": "T1003.001",
        "description": "procdump64.exe -ma lsass.exe C:\\Temp\\l.dmp, started by powershell.exe.",
        "url": "https://edr.example.com/detections/9913",
    })
}

fn leaked_secret() -> Value {
    json!({
        "id": "gh-7", "title": "A token of GitHub's was pushed to example/payments",
        "severity": "high", "rule": "secret-scanning", "repositories": ["example/payments"],
        "tactic": "Credential Access", "technique": "T1552.001",
        "description": "Secret-scanning alert 7: a personal access token that still opens something.",
        "url": "https://forge.example.com/example/payments/security/7",
    })
}

fn shell_in_container(status: &str, at: Timestamp) -> Value {
    json!({
        "version": "4", "receiver": "soc", "status": status, "groupKey": "{}", "externalURL": "http://alertmanager.example.com",
        "alerts": [{
            "status": status, "fingerprint": "f05dfde826fb0e06", "startsAt": at.to_string(),
            "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus.example.com/graph",
            "labels": {"alertname": "TerminalShellInContainer", "severity": "warning", "instance": "node-3:9100",
                       "pod": "payments-6d9"},
            "annotations": {"summary": "A shell was spawned in payments-6d9 by root"},
        }],
    })
}
