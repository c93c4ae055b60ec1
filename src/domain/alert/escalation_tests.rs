use super::*;
use crate::domain::people::UserRef;

const MIN: Duration = Duration::from_secs(60);

fn at(minutes: u32) -> Timestamp {
    Timestamp::from_millis(1_764_000_000_000) + MIN * minutes
}

fn rung(after: u32, how: Way, whom: &str) -> Rung {
    Rung { after: MIN * after, how, whom: vec![Whom::User(UserRef(whom.to_owned()))] }
}

fn ladder() -> Ladder {
    Ladder {
        acknowledge: Acknowledge::One,
        rungs: vec![rung(0, Way::Dm, "U1"), rung(5, Way::Thread, "U2"), rung(15, Way::Dm, "U3")],
        repeat: Repeat { every: MIN * 10, times: 2 },
        hours: Hours::Always,
    }
}

/// Climbs until `end`, looking every minute, and tells the story as `minute level/repeat`.
fn story(ladder: &Ladder, assigned: bool, end: u32) -> Vec<String> {
    let mut state = LadderState { round: 0, since: at(0), fired: Vec::new() };
    let known = ladder.keys();
    let mut told = Vec::new();
    for minute in 0..=end {
        let now = at(minute);
        while let Some(due) = next(ladder, &standing(&state, &known, assigned), now)
            && due.at <= now
        {
            let Step::Tell { level, repeat, key, .. } = due.step else {
                told.push(format!("{minute} return"));
                return told;
            };
            told.push(format!("{minute} {level}/{repeat}"));
            state.fired.push(Fired { rung: key, repeat, at: now, unheard: None });
        }
    }
    told
}

fn standing<'a>(state: &'a LadderState, known: &'a [RungKey], assigned: bool) -> Standing<'a> {
    Standing { state, assigned, known, policy_since: at(0), missing: 1 }
}

#[test]
fn climbs_repeats_and_then_tells_the_lead_daily_for_ever() {
    let day = 24 * 60;
    assert_eq!(
        story(&ladder(), false, 35 + 2 * day),
        [
            "0 1/0".to_owned(),
            "5 2/0".to_owned(),
            "15 3/0".to_owned(),
            "25 3/1".to_owned(),
            "35 3/2".to_owned(),
            format!("{} 4/1", 35 + day),
            format!("{} 4/2", 35 + 2 * day),
        ]
    );
}

#[test]
fn an_assignee_hears_at_once_and_gives_it_back_by_staying_silent() {
    assert_eq!(story(&ladder(), true, 60), ["0 1/0", "5 return"]);
}

#[test]
fn an_empty_ladder_still_tells_the_lead_daily() {
    let empty = Ladder { rungs: Vec::new(), ..ladder() };
    assert_eq!(story(&empty, false, 24 * 60), ["1440 2/1"]);
}

#[test]
fn repeats_missed_in_a_long_sleep_come_as_one() {
    let ladder = ladder();
    let known = ladder.keys();
    let fired =
        |rung: &Rung, minute| Fired { rung: rung.key(), repeat: 0, at: at(minute), unheard: None };
    let state = LadderState {
        round: 0,
        since: at(0),
        fired: vec![
            fired(&ladder.rungs[0], 0),
            fired(&ladder.rungs[1], 5),
            fired(&ladder.rungs[2], 15),
        ],
    };
    let due = next(&ladder, &standing(&state, &known, false), at(600)).expect("still waiting");
    assert_eq!((due.at, matches!(due.step, Step::Tell { repeat: 2, .. })), (at(35), true));
}

#[test]
fn nothing_follows_once_nobody_is_missing() {
    let state = LadderState { round: 0, since: at(0), fired: Vec::new() };
    let nobody = Standing { missing: 0, ..standing(&state, &[], false) };
    assert_eq!(next(&ladder(), &nobody, at(100)), None);
}

#[test]
fn a_rung_that_an_edit_makes_already_past_is_skipped_and_one_missed_in_an_outage_is_not() {
    let ladder = ladder();
    let fired = Fired { rung: ladder.rungs[0].key(), repeat: 0, at: at(0), unheard: None };
    let state = LadderState { round: 0, since: at(0), fired: vec![fired] };
    let known = [ladder.rungs[0].key(), ladder.rungs[2].key()];
    let edited = Standing { policy_since: at(10), ..standing(&state, &known, false) };
    let due = next(&ladder, &edited, at(10)).expect("the third rung waits");
    assert_eq!(due.at, at(15));
    let all = ladder.keys();
    let restarted = Standing { policy_since: at(10), ..standing(&state, &all, false) };
    assert_eq!(next(&ladder, &restarted, at(10)).expect("the second rung is late").at, at(5));
}

#[test]
fn who_cannot_hear_does_not_hold_up_the_next_rung() {
    let ladder = ladder();
    let fired = Fired { rung: ladder.rungs[0].key(), repeat: 0, at: at(0), unheard: Some(at(1)) };
    let state = LadderState { round: 0, since: at(0), fired: vec![fired] };
    let known = ladder.keys();
    assert_eq!(next(&ladder, &standing(&state, &known, false), at(1)).expect("waits").at, at(1));
}

#[test]
fn business_hours_wait_for_the_next_opening() {
    let zone = jiff::tz::TimeZone::get("Europe/Paris").expect("a known zone");
    let calendar = Calendar {
        zone,
        days: jiff::civil::Weekday::Monday.cycle_forward().take(5).collect(),
        from: jiff::civil::time(9, 0, 0, 0),
        to: jiff::civil::time(19, 0, 0, 0),
        holidays: vec![jiff::civil::date(2026, 12, 25)],
    };
    let open = |text: &str| calendar.open(Timestamp::parse(text).expect("RFC 3339")).to_string();
    assert_eq!(open("2026-11-25T10:00:00Z"), "2026-11-25T10:00:00.000Z");
    assert_eq!(open("2026-11-27T18:40:00Z"), "2026-11-30T08:00:00.000Z");
    assert_eq!(open("2026-12-24T20:00:00Z"), "2026-12-28T08:00:00.000Z");
    assert_eq!(open("2026-11-25T03:00:00Z"), "2026-11-25T08:00:00.000Z");
}

#[test]
fn a_rung_is_known_by_its_content() {
    let ladder = ladder();
    assert_ne!(ladder.rungs[0].key(), ladder.rungs[1].key());
    assert_eq!(rung(5, Way::Thread, "U2").key(), ladder.rungs[1].key());
}
