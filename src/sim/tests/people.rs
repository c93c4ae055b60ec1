//! People: choosing, modals with every kind of answer, commands, shortcuts, other workspaces.
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Socket, buttons, call, post, start};
use crate::sim::{At, CannotAct, Delivery, Options, Sim};

fn modal(title: &str) -> Value {
    json!({
        "type": "modal", "callback_id": "triage", "private_metadata": "alr_1", "notify_on_close": true,
        "title": {"type": "plain_text", "text": title}, "submit": {"type": "plain_text", "text": "Save"},
        "blocks": [
            {"type": "input", "block_id": "why", "label": {"type": "plain_text", "text": "Why"},
             "element": {"type": "plain_text_input", "action_id": "text"}},
            {"type": "input", "block_id": "how", "optional": true, "label": {"type": "plain_text", "text": "How"},
             "element": {"type": "static_select", "action_id": "pick", "options": [
                {"text": {"type": "plain_text", "text": "Fast"}, "value": "fast"}]}},
        ],
    })
}

/// Waits for the next envelope, acknowledges it with `payload`, and returns it.
async fn answer(socket: &mut Socket, payload: Option<Value>) -> Value {
    let envelope = socket.next().await.expect("an envelope");
    socket.ack(&envelope, payload).await;
    envelope
}

/// Alice types a command and the bot opens a modal for it.
async fn opened(sim: &Sim, socket: &mut Socket, title: &str) -> Value {
    let alice = sim.by("alice");
    let (_, envelope) = tokio::join!(alice.slash("soc", "/vigie triage"), answer(socket, None));
    let args = json!({"trigger_id": envelope["payload"]["trigger_id"], "view": modal(title)});
    call(sim, "views.open", args).await
}

#[tokio::test(start_paused = true)]
async fn a_trigger_works_once_and_for_three_seconds() {
    let sim = start(Options::default()).await;
    let (mut socket, _) = Socket::open(&sim).await;
    let alice = sim.by("alice");
    let (_, envelope) = tokio::join!(alice.slash("soc", "/vigie list"), answer(&mut socket, None));
    let payload = &envelope["payload"];
    assert_eq!(
        (payload["command"].clone(), payload["text"].clone()),
        (json!("/vigie"), json!("list"))
    );
    assert_eq!(payload["is_enterprise_install"], "false");
    let args = json!({"trigger_id": payload["trigger_id"], "view": modal("One")});
    assert_eq!(call(&sim, "views.open", args.clone()).await["ok"], true);
    assert_eq!(call(&sim, "views.open", args).await["error"], "exchanged_trigger_id");
    let (_, envelope) = tokio::join!(alice.slash("soc", "/vigie"), answer(&mut socket, None));
    sleep(Duration::from_millis(3_001)).await;
    let args = json!({"trigger_id": envelope["payload"]["trigger_id"], "view": modal("Two")});
    assert_eq!(call(&sim, "views.open", args).await["error"], "expired_trigger_id");
}

#[tokio::test(start_paused = true)]
async fn a_form_is_refused_changed_and_taken() {
    let sim = start(Options::default()).await;
    let (mut socket, _) = Socket::open(&sim).await;
    let view = opened(&sim, &mut socket, "Triage").await;
    assert_eq!(view["view"]["title"]["text"], "Triage", "{view}");
    let alice = sim.by("alice");
    assert_eq!(alice.submit(json!({})).await, Err(CannotAct("\"Why\" is required".into())));

    let errors = json!({"response_action": "errors", "errors": {"why": "too short"}});
    let (_, sent) = tokio::join!(
        alice.submit(json!({"Why": "x", "How": "Fast"})),
        answer(&mut socket, Some(errors))
    );
    let values = &sent["payload"]["view"]["state"]["values"];
    assert_eq!(values["why"]["text"], json!({"type": "plain_text_input", "value": "x"}));
    assert_eq!(values["how"]["pick"]["selected_option"]["value"], "fast");
    assert_eq!(sent["payload"]["view"]["private_metadata"], "alr_1");
    assert_eq!(sim.open_view("alice").expect("it stays").errors["why"], "too short");

    let update = json!({"response_action": "update", "view": modal("Sure?")});
    let _ = tokio::join!(alice.submit(json!({})), answer(&mut socket, Some(update)));
    assert_eq!(sim.open_view("alice").expect("it stays").title(), "Sure?");
    let push = json!({"response_action": "push", "view": modal("On top")});
    let _ = tokio::join!(alice.submit(json!({})), answer(&mut socket, Some(push)));
    assert_eq!(sim.open_views("alice").len(), 2);
    let (closed, sent) = tokio::join!(alice.close(), answer(&mut socket, None));
    assert!(closed.expect("a view").is_some_and(|delivery| delivery.is_acked()));
    assert_eq!(
        (sent["payload"]["type"].clone(), sent["payload"]["is_cleared"].clone()),
        (json!("view_closed"), json!(false))
    );
    let _ = tokio::join!(alice.submit(json!({})), answer(&mut socket, Some(json!({}))));
    assert!(sim.open_view("alice").is_none());
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_form_stays_and_a_stale_hash_is_refused() {
    let sim = start(Options::default()).await;
    let (mut socket, _) = Socket::open(&sim).await;
    let view = opened(&sim, &mut socket, "Triage").await["view"].clone();
    let alice = sim.by("alice");
    assert_eq!(alice.submit(json!({"Why": "x"})).await, Ok(Delivery::TimedOut));
    assert!(sim.open_view("alice").expect("it stays").trouble.is_some());
    let args = |hash: &str| json!({"view_id": view["id"], "hash": hash, "view": modal("New")});
    assert_eq!(call(&sim, "views.update", args("1.old")).await["error"], "hash_conflict");
    assert_eq!(
        call(&sim, "views.update", args(view["hash"].as_str().expect("a hash"))).await["ok"],
        true
    );
    assert_eq!(
        sim.open_view("alice").expect("it stays").values["why"]["text"]["value"],
        "x",
        "what was typed stays"
    );
}

#[tokio::test(start_paused = true)]
async fn choices_and_tampered_values_arrive_as_they_are() {
    let sim = start(Options::default()).await;
    let ts =
        post(&sim, json!({"blocks": buttons()})).await["ts"].as_str().expect("a ts").to_string();
    let (mut socket, _) = Socket::open(&sim).await;
    let at = || At::from(("C1", ts.as_str()));
    let alice = sim.by("alice").on_grid();
    let (_, sent) =
        tokio::join!(alice.choose(at(), "overflow", "Silence"), answer(&mut socket, None));
    assert_eq!(sent["payload"]["actions"][0]["selected_option"]["value"], "silence");
    assert_eq!(
        (sent["payload"]["team"].clone(), sent["payload"]["enterprise"]["id"].clone()),
        (json!(null), json!("E0SIM"))
    );
    let stranger = sim.by("bea").from_team("T9");
    let (_, sent) =
        tokio::join!(stranger.choose(at(), "Assign", "alice"), answer(&mut socket, None));
    assert_eq!(sent["payload"]["actions"][0]["selected_user"], "U1");
    assert_eq!(sent["payload"]["user"]["team_id"], "T9");
    let (_, sent) = tokio::join!(
        stranger.click_with_value(at(), "Acknowledge", "alr_2"),
        answer(&mut socket, None)
    );
    assert_eq!(sent["payload"]["actions"][0]["value"], "alr_2");
    let none = stranger.click(at(), "Launch").await.expect_err("no such button");
    assert!(none.0.contains("Acknowledge"), "{none}");
    let (_, sent) =
        tokio::join!(stranger.message_shortcut(at(), "note"), answer(&mut socket, None));
    assert_eq!(
        (sent["payload"]["type"].clone(), sent["payload"]["message_ts"].clone()),
        (json!("message_action"), json!(ts))
    );
}

#[tokio::test(start_paused = true)]
async fn a_command_answers_in_its_acknowledgement_and_reading_clears() {
    let sim = start(Options::default()).await;
    let (mut socket, _) = Socket::open(&sim).await;
    let alice = sim.by("alice");
    let help = json!({"text": "try `list`"});
    let _ = tokio::join!(alice.slash("soc", "/vigie help"), answer(&mut socket, Some(help)));
    assert_eq!(sim.ephemerals("alice")[0].text, "try `list`");
    assert!(sim.ephemerals("bea").is_empty());
    let posted = post(&sim, json!({})).await;
    assert_eq!(sim.unread().len(), 2);
    for message in sim.unread() {
        sim.read(&message.channel, &message.ts);
    }
    assert!(sim.unread().is_empty());
    call(&sim, "chat.update", json!({"channel": "C1", "ts": posted["ts"], "text": "new"})).await;
    assert_eq!(sim.unread().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_home_is_published_and_clicked() {
    let sim = start(Options::default()).await;
    let (mut socket, _) = Socket::open(&sim).await;
    let bea = sim.by("bea");
    let (_, event) = tokio::join!(bea.open_home(), answer(&mut socket, None));
    assert_eq!(event["payload"]["event"]["user"], "U2");
    let home = json!({"user_id": "U2", "view": {"type": "home", "blocks": buttons()}});
    assert_eq!(call(&sim, "views.publish", home).await["ok"], true);
    let (_, sent) = tokio::join!(bea.click(At::Home, "Acknowledge"), answer(&mut socket, None));
    assert_eq!(
        (sent["payload"]["container"]["type"].clone(), sent["payload"]["view"]["type"].clone()),
        (json!("view"), json!("home"))
    );
}
