//! What is said while nothing can be recorded: its first words say so, and it has no buttons, for a click could not be kept.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::event::{Told, Way};
use crate::domain::time::Timestamp;
use crate::slack::view::alert::header;
use crate::slack::view::clean::escape;
use crate::slack::view::mrkdwn::Mrkdwn;
use crate::slack::view::{Look, Message, facts, kit, notify, words};

const FIRST: &str = "Not recorded: Vigie cannot write to its disk.";

/// An alert that is not on disk, in its channel.
pub fn alert(alert: &Alert, look: &Look<'_>) -> Message {
    let warning = Mrkdwn::words("⚠️ *Not recorded: Vigie cannot write to its disk.* ")
        .say("Nobody can acknowledge this here yet. Its buttons come when the disk works again.");
    whole(alert, vec![kit::section(&warning)], look)
}

/// Somebody is told that an alert waits.
pub fn told(told: &Told, alert: &Alert, look: &Look<'_>) -> Message {
    let warning = Mrkdwn::words("⚠️ *Not recorded: Vigie cannot write to its disk.*");
    let why = notify::why(told, alert, look);
    match told.how {
        Way::Thread => {
            let mentions = notify::mentions(told, look.directory);
            let line = escape(&format!("{FIRST} {} · ", words::headline(alert)));
            let text = format!("{line}{}", mentions.render(kit::size::SECTION));
            let block = kit::section(&warning.say("\n").then(mentions).say(" ").then(why));
            Message { text, ..Message::new("", vec![block]) }
        }
        Way::Dm | Way::Channel(_) => {
            let say = warning
                .say(" Nobody can acknowledge it here yet: look at it, and tell the others.\n");
            whole(alert, vec![kit::section(&say.then(why))], look)
        }
    }
}

fn whole(alert: &Alert, above: Vec<serde_json::Value>, look: &Look<'_>) -> Message {
    let text = format!("{FIRST} {}", words::headline(alert));
    let blocks = [above, vec![header(alert)]].concat();
    Message::at_most(facts::AT_A_GLANCE, |depth| {
        Message::new(&text, blocks.clone()).with_details(facts::attachment(alert, look, depth))
    })
}

/// More alerts came in than are said one by one.
pub fn more(count: u64, look: &Look<'_>) -> Message {
    let said = format!(
        "{FIRST} {} more came in that is not said one by one",
        words::count(count, "alert", "alerts")
    );
    let text = Mrkdwn::words("⚠️ *Not recorded: Vigie cannot write to its disk.* ")
        .name(words::count(count, "more alert", "more alerts"))
        .say(" came in, and are not said one by one (as of ")
        .name(look.now.clock_in(look.zone))
        .say("). Their sources were told to send them again.");
    Message::new(&said, vec![kit::section(&text)])
}

/// For who looks after Vigie, and for all who wonder why nothing can be clicked.
pub fn operator(since: Timestamp, look: &Look<'_>) -> Message {
    let text = Mrkdwn::words("🛑 *Vigie cannot write to its disk* since ")
        .name(since.clock_in(look.zone))
        .say(". Nothing is recorded, and no click or command is taken. Alerts are answered with 503, so that their ")
        .say("sources send them again; people are still told, marked as not recorded.\n")
        .say("Make room on the disk of its database, or look why it takes no writes. Its log names the error.");
    let said = "Vigie cannot write to its disk: nothing is recorded, and no click is taken";
    Message::new(said, vec![kit::section(&text)])
}

/// The same message, once it is over.
pub fn over(since: Timestamp, look: &Look<'_>) -> Message {
    let text = Mrkdwn::words("✅ *Vigie writes to its disk again.* It could not from ")
        .name(since.clock_in(look.zone))
        .say(" to ")
        .name(look.now.clock_in(look.zone))
        .say(". What was said without record stands in the journal now.");
    Message::new("Vigie writes to its disk again", vec![kit::section(&text)])
}
