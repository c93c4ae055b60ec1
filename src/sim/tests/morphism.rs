//! slack-morphism, the client that the real bot uses, against the simulator in paused time.
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use slack_morphism::clients_manager::SlackSocketModeClientsManagerFactory;
use slack_morphism::prelude::*;

use super::{APP, BOT, buttons, post, start};
use crate::sim::{Delivery, Options, Sim};

type Connector = SlackClientHyperConnector<SlackHyperHttpsConnector>;

fn client(sim: &Sim) -> Arc<SlackClient<Connector>> {
    // Installing it twice is an error that does not matter here.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let https = hyper_rustls::HttpsConnectorBuilder::new()
        .with_native_roots()
        .expect("native roots")
        .https_or_http()
        .enable_all_versions()
        .build();
    let connector = SlackClientHyperConnector::from(https)
        .with_slack_api_url(sim.api_url().trim_end_matches('/'));
    Arc::new(SlackClient::new(connector))
}

fn token(value: &str) -> SlackApiToken {
    SlackApiToken::new(SlackApiTokenValue(value.into()))
}

struct Listener(Arc<Mutex<Vec<Value>>>);

#[async_trait::async_trait]
impl SlackSocketModeClientListener for Listener {
    async fn on_message(&self, _: &SlackSocketModeWssClientId, body: String) -> Option<String> {
        let envelope: Value = serde_json::from_str(&body).ok()?;
        self.0.lock().ok()?.push(envelope.clone());
        Some(json!({"envelope_id": envelope.get("envelope_id")?}).to_string())
    }

    async fn on_error(&self, _: Box<dyn std::error::Error + Send + Sync>) {}

    async fn on_disconnect(&self, _: &SlackSocketModeWssClientId) {}
}

#[tokio::test(start_paused = true)]
async fn it_parses_what_we_answer() {
    let sim = start(Options::default()).await;
    let client = client(&sim);
    let bot = token(BOT);
    let session = client.open_session(&bot);
    let me = session.auth_test().await.expect("auth.test");
    assert_eq!(me.user_id.to_string(), "U0BOT");
    let content = SlackMessageContent::new().with_text("hello".into());
    let request = SlackApiChatPostMessageRequest::new("C1".into(), content);
    let posted = session.chat_post_message(&request).await.expect("chat.postMessage");
    let request = SlackApiConversationsHistoryRequest::new().with_channel("C1".into());
    let history = session.conversations_history(&request).await.expect("conversations.history");
    assert_eq!(history.messages[0].origin.ts, posted.ts);
    let user =
        session.users_info(&SlackApiUsersInfoRequest::new("U1".into())).await.expect("users.info");
    assert_eq!(user.user.name.as_deref(), Some("alice"));
    let info = SlackApiConversationsInfoRequest::new("C1".into());
    assert_eq!(
        session
            .conversations_info(&info)
            .await
            .expect("conversations.info")
            .channel
            .name
            .as_deref(),
        Some("soc")
    );
    let open = SlackApiConversationsOpenRequest::new().with_users(vec!["U1".into()]);
    session.conversations_open(&open).await.expect("conversations.open");
}

#[tokio::test(start_paused = true)]
async fn its_socket_acknowledges_clicks_for_eight_hours() {
    let sim = start(Options::default()).await;
    let ts =
        post(&sim, json!({"blocks": buttons()})).await["ts"].as_str().expect("a ts").to_string();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let environment = Arc::new(SlackClientEventsListenerEnvironment::new(client(&sim)));
    let manager =
        environment.client.http_api.connector.new_clients_manager(Arc::clone(&environment));
    let config = SlackClientSocketModeConfig::new();
    manager
        .register_new_token(&config, token(APP), Arc::new(Listener(Arc::clone(&heard))))
        .await
        .expect("a token is registered");
    manager.start().await;
    sim.until(|sim| (sim.sockets() > 0).then_some(())).await;
    let begun = tokio::time::Instant::now();
    for hour in 0..8 {
        let delivery =
            sim.by("alice").click(("C1", ts.as_str()), "Acknowledge").await.expect("a button");
        let Delivery::Acked { after, .. } = delivery else {
            panic!("hour {hour}: {delivery}\n{}", sim.transcript())
        };
        assert_eq!(after.as_millis(), 0, "paused time stands still while bytes travel");
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    assert_eq!(begun.elapsed().as_secs(), 8 * 3600);
    let heard = heard.lock().expect("nobody panicked");
    assert_eq!(heard.iter().filter(|envelope| envelope["type"] == "interactive").count(), 8);
}
