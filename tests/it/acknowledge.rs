//! An alert is shown, and somebody takes it.

use crate::world::{World, critical, high};
use std::time::Duration;

const MIN: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn acknowledged_in_time_nobody_else_is_woken() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        assert_eq!(page.buttons(), ["Acknowledge", "Resolve…"]);
        w.sleep(4 * MIN).await;
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("Acknowledged by @ana").await;
        page.expect_line("acknowledged").await;
        w.sleep(8 * HOUR).await;
        assert_eq!(w.rows("SELECT target, level FROM notifications_v1"), ["C0SEC 0"]);
    });
}
