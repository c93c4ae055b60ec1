//! Whether a `response_url` is Slack's: it came in a payload, and what we post there may be confidential.

use url::Url;

/// The address to answer at, if it belongs to the server that we talk to. Slack's own are `https://hooks.slack.com/…`;
/// another server's (`slack.api_url`) are on that very host.
pub fn checked(response_url: &str, api: &Url) -> Option<Url> {
    let url = Url::parse(response_url).ok()?;
    let host = url.host_str()?;
    let api_host = api.host_str()?;
    let plain = url.username().is_empty() && url.password().is_none();
    let good = match api_host {
        "slack.com" | "slack-gov.com" => {
            url.scheme() == "https" && url.port().is_none() && host == format!("hooks.{api_host}")
        }
        _ => host == api_host && (url.scheme() == "https" || url.scheme() == api.scheme()),
    };
    (plain && good).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_server_we_talk_to_gets_an_answer() {
        let slack = "https://slack.com/api";
        let local = "http://127.0.0.1:4000/api";
        let table = [
            ("https://hooks.slack.com/actions/T1/2/x", slack, true),
            ("http://hooks.slack.com/actions/T1/2/x", slack, false),
            ("https://hooks.slack.com.evil.example/x", slack, false),
            ("https://hooks.slack.com@evil.example/x", slack, false),
            ("https://user@hooks.slack.com/x", slack, false),
            ("https://hooks.slack.com:8443/x", slack, false),
            ("https://slack.com/x", slack, false),
            ("http://169.254.169.254/latest", slack, false),
            ("https://hooks.slack-gov.com/x", "https://slack-gov.com/api", true),
            ("http://127.0.0.1:4000/response/1", local, true),
            ("http://127.0.0.2:4000/response/1", local, false),
            ("http://127.0.0.1:4000/x", "https://127.0.0.1:4000/api", false),
            ("https://hooks.slack.com/x", local, false),
            ("not an address", slack, false),
        ];
        for (address, api, good) in table {
            let api = Url::parse(api).expect("an address");
            assert_eq!(checked(address, &api).is_some(), good, "{address}");
        }
    }
}
