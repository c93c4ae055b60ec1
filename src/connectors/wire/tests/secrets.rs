//! A secret goes out and never comes back: not in an answer, not in an error, not in what `Debug` shows.

use super::super::redact::spellings;
use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value as Json, json as value};

/// Twelve secrets of all sorts, as vendors make them and as people do.
const CANARIES: [&str; 12] = [
    "hunter2",
    "xoxb-1234-5678-canaryABC",
    "pa ss&word=1?x#y%z",
    "a\"quoted\\back/slash",
    "Grüße-schlüssel-é",
    "pässwörd 🔑 key",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.s1gn+a/ture",
    "00c4n4ry+slash/equal==",
    "-----canary\nline two\n-----",
    "123456789012",
    "<b>canary</b>&amp;",
    "~tilde_under-dash.dot!*'()",
];

fn knowing_all() -> Redactor {
    let redactor = Redactor::default();
    CANARIES.iter().for_each(|canary| redactor.learn(&SecretString::from(*canary)));
    redactor
}

/// Each way in which others write a text; made by other means than the redactor's own.
fn written(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let hex = |upper: bool| -> String {
        bytes.iter().map(|b| if upper { format!("{b:02X}") } else { format!("{b:02x}") }).collect()
    };
    let form: String = url::form_urlencoded::byte_serialize(bytes).collect();
    let mut path = url::Url::parse("https://h/").expect("an address");
    path.query_pairs_mut().append_pair("k", text);
    let quoted = serde_json::to_string(text).expect("a text");
    let mut all = vec![
        text.to_owned(),
        form.clone(),
        form.replace('+', "%20"),
        path.query().expect("a query")[2..].to_owned(),
        quoted[1..quoted.len() - 1].to_owned(),
        quoted[1..quoted.len() - 1].replace('/', "\\/"),
        hex(true),
        hex(false),
    ];
    for before in ["", "x", "xy", "user:", "a longer text before "] {
        for after in ["", "z", "zz", " and after"] {
            all.push(STANDARD.encode(format!("{before}{text}{after}")));
            all.push(URL_SAFE.encode(format!("{before}{text}{after}")));
        }
    }
    all
}

/// Nothing of it is left, however one looks: the spellings that only the secret decides.
fn assert_clean(text: &str, canary: &str) {
    for spelling in spellings(canary) {
        assert!(!text.contains(&spelling), "{spelling} in {text}");
    }
}

#[test]
fn each_secret_is_found_in_each_spelling() {
    let redactor = knowing_all();
    for canary in CANARIES {
        for text in written(canary) {
            let clean = redactor.text(&format!("it said: {text}, and more"));
            assert!(clean.contains(MARK), "{canary:?} was not seen in {text}");
            assert!(clean.starts_with("it said: ") && clean.ends_with(", and more"), "{clean}");
            assert_clean(&clean, canary);
        }
    }
}

#[test]
fn what_is_no_secret_is_left_as_it_is() {
    let redactor = knowing_all();
    redactor.learn(&"short".into());
    for text in
        ["", "a short text, in which nothing is secret: 12345678901", "Größe", "hunter 2", "🔑"]
    {
        assert_eq!(redactor.text(text), text);
    }
    let plain = value!({"n": 1.5, "a": [null, true, "x"], "big": 12_345_678_901_u64});
    assert_eq!(redactor.json(plain.clone()), plain);
}

#[test]
fn secrets_within_one_another_both_go() {
    let redactor = Redactor::default();
    for secret in ["secret-a", "secret-a-and-b", "and-b-tail"] {
        redactor.learn(&secret.into());
    }
    assert_eq!(redactor.text("<secret-a-and-b>"), "<[redacted]>");
    assert_eq!(redactor.text("<secret-a-and-b-tail>"), "<[redacted]>");
    assert_eq!(redactor.text("<secret-a><secret-a>"), "<[redacted]><[redacted]>");
}

#[test]
fn a_value_is_clean_in_its_texts_names_and_numbers() {
    let redactor = knowing_all();
    let said = value!({"hunter2": ["x hunter2 y", {"n": 123_456_789_012_u64, "hex": "68756e74657232"}], "k": "a\"quoted\\back/slash"});
    let clean = value!({MARK: ["x [redacted] y", {"n": MARK, "hex": MARK}], "k": MARK});
    assert_eq!(redactor.json(said), clean);
}

#[test]
fn the_newest_tokens_are_known_and_the_configs_secrets_always() {
    let redactor = knowing_all();
    let token = |n: usize| format!("token-{n:04}-x");
    (0..200).for_each(|n| redactor.learn_token(&token(n).into()));
    assert_eq!(redactor.text(&token(199)), MARK);
    assert_eq!(redactor.text(&token(136)), MARK);
    assert_eq!(redactor.text(&token(135)), token(135), "long void");
    assert_eq!(redactor.text("hunter2"), MARK);
}

proptest! {
    #[test]
    fn no_secret_is_left_in_any_text_that_holds_it(
        secret in "\\PC{6,40}",
        spelling in 0usize..48,
        before in "\\PC{0,20}",
        after in "\\PC{0,20}",
    ) {
        let redactor = Redactor::default();
        redactor.learn(&secret.as_str().into());
        let all = written(&secret);
        let text = format!("{before}{}{after}", all[spelling % all.len()]);
        let clean = redactor.text(&text);
        prop_assert!(clean.contains(MARK), "{secret:?} in {text:?}");
        // The mark itself may make up what looks like a secret of a few letters, and so may what stood around it.
        let rest = clean.replace(MARK, "\u{1}");
        prop_assert!(!rest.contains(&secret), "{secret:?} in {clean:?}");
    }
}

/// One request that carries a canary wherever a secret can stand.
fn carrying(canary: &str, url: &str) -> (Terms, Outgoing) {
    let secret = |spelling| Text::default().and_secret("key", spelling);
    let path = Text::plain(url)
        .and_secret("key", Spelling::Percent)
        .and("?k=")
        .and_secret("key", Spelling::Percent);
    let mut outgoing = Outgoing { url: path, ..post("", "") };
    outgoing.headers.push(("X-Key".to_owned(), secret(Spelling::Base64)));
    outgoing.body = Some(Text::plain("{\"k\":\"").and_secret("key", Spelling::Json).and("\"}"));
    let auth = Auth::Basic { user: Text::plain("api"), password: secret(Spelling::Plain) };
    (Terms { auth, secrets: [("key".to_owned(), canary.into())].into(), ..terms() }, outgoing)
}

#[tokio::test]
async fn what_a_tool_repeats_of_a_request_comes_back_without_its_secrets() {
    for canary in CANARIES {
        for (kind, echo) in [("application/json", true), ("text/html", false)] {
            let place = Place::open(move |request| {
                let body = match echo {
                    true => value!({"heard": request, "again": {request: [request]}}).to_string(),
                    false => request.to_owned(),
                };
                let line = request.lines().next().unwrap_or_default().to_owned();
                answer(400, &format!("content-type: {kind}\r\nlocation: {line}\r\n"), &body)
            });
            let place = place.await;
            let (terms, outgoing) = carrying(canary, &place.url("/"));
            let connection = Connection::new(terms);
            let answer = plain().send(&connection, &outgoing, soon()).await.expect("an answer");
            let heard = place.heard().concat();
            assert!(
                heard.contains(&STANDARD.encode(format!("api:{canary}"))),
                "it was sent: {heard}"
            );
            let shown = match &answer.content {
                Content::Json(json) => json.to_string(),
                Content::Text(text) => text.clone(),
                other => panic!("{other:?}"),
            };
            assert!(shown.contains(MARK), "{shown}");
            assert_clean(&shown, canary);
            assert_clean(&format!("{:?}", answer.headers), canary);
            assert_clean(&format!("{connection:?} {outgoing:?}"), canary);
            if let Content::Json(Json::Object(entries)) = &answer.content {
                entries.values().for_each(|value| assert_clean(&format!("{value:?}"), canary));
            }
        }
    }
}

#[tokio::test]
async fn no_error_holds_a_secret_however_it_fails() {
    let gone = Place::open(|_| Reply::Bytes(Vec::new())).await;
    let no_http = Place::open(|request| Reply::Bytes(request.as_bytes().to_vec())).await;
    let (acceptor, trust) = certificate(&["another.example.com"]);
    let tls = Place::with("127.0.0.1:0", Some(acceptor), |_| answer(200, "", "")).await;
    let no_tls = greeter("SSH-2.0-OpenSSH_9.7\r\n").await;
    for canary in CANARIES {
        for url in [
            gone.url("/"),
            no_http.url("/"),
            format!("https://127.0.0.1:{}/", tls.port),
            format!("https://127.0.0.1:{no_tls}/"),
            "http://127.0.0.1:1/".to_owned(),
            "http://10.0.0.1/".to_owned(),
            "https://elsewhere.example.com/".to_owned(),
            // The secret stands where a host, a name or a port belongs.
            "http://127.0.0.1:".to_owned(),
            "http://".to_owned(),
            "http://x:".to_owned(),
            "http://127.0.0.1/../".to_owned(),
            String::new(),
        ] {
            let (terms, outgoing) = carrying(canary, &url);
            let wire = transport_with(Arc::new(Names::default()), trust.clone());
            let fault = wire.send(&Connection::new(terms), &outgoing, soon()).await;
            let fault = fault.expect_err("nothing answers there");
            assert_clean(&format!("{fault} {fault:?} {:?}", fault.called()), canary);
        }
    }
}
