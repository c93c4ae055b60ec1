//! What must hold at the end of every story.

use super::tools::TOOL_SECRETS;
use super::{APP_TOKEN, BOT_TOKEN, HOOK_TOKEN, World, said};
use serde_json::Value;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;
use vigie::audit::verify::verify;
use vigie::store::Reader;
use vigie::store::queries::{self, Tally};

/// What this thread has logged during a story.
pub struct Log {
    lines: Lines,
    dispatch: tracing::Dispatch,
    _guard: tracing::subscriber::DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic while it is held").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    pub fn start() -> Self {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(lines.clone())
            .with_ansi(false)
            .with_max_level(tracing::Level::DEBUG)
            .finish();
        let dispatch = tracing::Dispatch::new(subscriber);
        let guard = tracing::dispatcher::set_default(&dispatch);
        Self { lines, dispatch, _guard: guard }
    }

    /// What a thread of the runtime does first, so that what the writer logs is heard too.
    #[expect(
        clippy::mem_forget,
        reason = "the guard lives as long as the thread, which is the story's"
    )]
    pub fn on_thread(&self) -> impl Fn() + Send + Sync + 'static {
        let dispatch = self.dispatch.clone();
        move || std::mem::forget(tracing::dispatcher::set_default(&dispatch))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.0.lock().expect("no panic while it is held"))
            .into_owned()
    }
}

impl World {
    pub(super) async fn end(&self, log: &Log) {
        self.settle().await;
        let transcript = self.slack().transcript();
        let unread: Vec<_> = self.slack().unread().iter().map(|m| m.readable()).collect();
        assert!(unread.is_empty(), "nobody looked at {unread:#?}\n{transcript}");
        self.stop().await;
        self.sound(log, &[]);
    }

    /// What holds of every stopped world, whatever has happened in it; `expected` are words of errors that it caused.
    pub fn sound(&self, log: &Log, expected: &[&str]) {
        let transcript = self.slack().transcript();
        let reader = Reader::of(&self.database()).expect("opens");
        let verdict = verify(&reader).expect("reads");
        assert_eq!(verdict.finding, None, "{transcript}");
        self.tallies_agree();
        let twice = self.rows(
            "SELECT alert_id, round, level, target, reason, count(*) FROM notifications_v1
             WHERE reason NOT LIKE 'repeated%' AND reason NOT IN ('shown_again', 'run_waits') GROUP BY 1, 2, 3, 4, 5 HAVING count(*) > 1",
        );
        assert!(twice.is_empty(), "told twice: {twice:?}\n{transcript}");
        let of_a_run = self.rows(
            "SELECT stream, json_extract(body, '$.told') AS told, count(*) FROM journal WHERE kind = 'run.notified'
             GROUP BY stream, told HAVING count(*) > 1",
        );
        assert!(of_a_run.is_empty(), "told twice of a run: {of_a_run:?}\n{transcript}");
        let again = self.rows(
            "SELECT stream FROM journal GROUP BY stream HAVING count(*) FILTER (WHERE kind = 'shown')
             > 1 + count(*) FILTER (WHERE kind IN ('message_lost', 'displaced', 'not_shown'))",
        );
        assert!(again.is_empty(), "shown again for no reason: {again:?}\n{transcript}");
        let unaccounted = self
            .ask("SELECT count(*) FROM alerts_v1 WHERE shown_at IS NULL AND suppressed_by IS NULL");
        assert_eq!(unaccounted, "0", "alerts that nobody was shown\n{transcript}");
        let log = log.text();
        let is_disk = |line: &&str| line.contains("Vigie cannot write to its disk");
        let (disk, rest): (Vec<_>, Vec<_>) =
            log.lines().filter(|line| line.contains("ERROR")).partition(is_disk);
        let errors: Vec<_> = rest
            .iter()
            .filter(|line| !expected.iter().any(|words| line.contains(words)))
            .filter(|line| !self.errors.borrow().iter().any(|words| line.contains(words)))
            .collect();
        for words in self.errors.borrow().iter() {
            assert!(rest.iter().any(|line| line.contains(words)), "not logged: {words}");
        }
        assert!(errors.is_empty(), "errors were logged: {errors:#?}");
        assert_eq!(disk.len(), self.troubles.get(), "one line for each trouble: {disk:#?}");
        self.no_secret_anywhere(&log, &transcript);
        self.every_message_is_good();
    }

    /// What the gauges begin with is what the journal says.
    pub fn tallies_agree(&self) {
        let (folded, counted) = Reader::of(&self.database())
            .expect("opens")
            .read(|c| Ok((queries::tally_so_far(c)?, queries::tally(c, Tally::default())?)))
            .expect("reads");
        assert_eq!(folded, counted, "the gauges begin with what the journal says");
    }

    /// Waits until the outbox is empty; the ladder may go on.
    pub async fn settle(&self) {
        for _ in 0..200 {
            if self.ask("SELECT count(*) FROM outbox") == "0" {
                return;
            }
            self.sleep(Duration::from_millis(500)).await;
        }
        let left = self.rows("SELECT lane, attempts, effect FROM outbox");
        panic!("the outbox does not empty: {left:#?}\n{}", self.slack().transcript());
    }

    fn no_secret_anywhere(&self, log: &str, transcript: &str) {
        let database = std::fs::read(self.database()).expect("reads");
        for secret in [HOOK_TOKEN, BOT_TOKEN, APP_TOKEN].into_iter().chain(TOOL_SECRETS) {
            assert!(!log.contains(secret), "a secret is in the log");
            assert!(!transcript.contains(secret), "a secret is in a message");
            let found = database.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret is in the database");
        }
    }

    /// Everything that was sent passes Slack's sizes and our own rules.
    fn every_message_is_good(&self) {
        said::write(self.slack());
        for call in self.slack().calls() {
            let faults = match call.method.as_str() {
                "chat.postMessage" | "chat.update" | "chat.postEphemeral" => {
                    message_faults(&call.body)
                }
                "views.open" => modal_faults(&call.body["view"]),
                _ => Vec::new(),
            };
            assert!(faults.is_empty(), "{} {faults:#?}\n{:#}", call.method, call.body);
        }
    }
}

/// What our own checks and the crate `slackblocks` say of a message.
fn message_faults(body: &Value) -> Vec<String> {
    let mut faults = vigie::slack::view::checks::message(body);
    let mut said = body.clone();
    if let Some(said) = said.as_object_mut() {
        said.retain(|key, _| ["channel", "text", "blocks", "attachments"].contains(&key.as_str()));
    }
    if let Err(error) = slackblocks::MessagePayload::try_from(said) {
        faults.push(format!("slackblocks: {error}"));
    }
    faults
}

fn modal_faults(view: &Value) -> Vec<String> {
    let mut faults = vigie::slack::view::checks::modal(view);
    if let Err(error) = slackblocks::ModalView::try_from(view.clone()) {
        faults.push(format!("slackblocks: {error}"));
    }
    faults
}
