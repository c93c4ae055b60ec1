use super::*;
use crate::domain::people::UserRef;

const MIN: Duration = Duration::from_secs(60);

fn at(minutes: u32) -> Timestamp {
    Timestamp::from_millis(1_764_000_000_000) + MIN * minutes
}

fn rung(level: u32, after: u32, how: Way, whom: &str) -> Rung {
    Rung::new(level, MIN * after, how, vec![Whom::User(UserRef(whom.to_owned()))])
}

fn fired(rung: &RungKey, repeat: u32, at: Timestamp) -> Fired {
    Fired { rung: rung.clone(), repeat, at, meant: 1, deaf: 0, unheard: None }
}

fn ladder() -> Ladder {
    Ladder {
        acknowledge: Acknowledge::One,
        rungs: vec![
            rung(1, 0, Way::Dm, "U1"),
            rung(2, 5, Way::Thread, "U2"),
            rung(3, 15, Way::Dm, "U3"),
        ],
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
            state.fired.push(fired(&key, repeat, now));
        }
    }
    told
}

fn standing<'a>(state: &'a LadderState, known: &'a [RungKey], assigned: bool) -> Standing<'a> {
    Standing { state, assigned, known, policy_since: at(0), missing: Missing::Anybody }
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
    assert_eq!(story(&empty, false, 24 * 60), ["1440 1/1"]);
}

#[test]
fn repeats_missed_in_a_long_sleep_come_as_one() {
    let ladder = ladder();
    let known = ladder.keys();
    let fired = |rung: &Rung, minute| fired(rung.key(), 0, at(minute));
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
    for missing in [Missing::Nobody, Missing::These(&[])] {
        let nobody = Standing { missing, ..standing(&state, &[], false) };
        assert_eq!(next(&ladder(), &nobody, at(100)), None);
    }
}

#[test]
fn where_each_must_acknowledge_only_the_missing_are_chased() {
    let state = LadderState { round: 0, since: at(0), fired: Vec::new() };
    let missing = ["U0BEA".into()];
    let each = Standing { missing: Missing::These(&missing), ..standing(&state, &[], false) };
    let due = next(&ladder(), &each, at(0)).expect("bea is missing");
    let Step::Tell { only, .. } = due.step else { panic!("{due:?}") };
    assert_eq!(only.as_deref(), Some(missing.as_slice()));
}

#[test]
fn a_rung_that_an_edit_makes_already_past_is_skipped_and_one_missed_in_an_outage_is_not() {
    let ladder = ladder();
    let fired = fired(ladder.rungs[0].key(), 0, at(0));
    let state = LadderState { round: 0, since: at(0), fired: vec![fired] };
    let known = [ladder.rungs[0].key().clone(), ladder.rungs[2].key().clone()];
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
    let fired = Fired { unheard: Some(at(1)), ..fired(ladder.rungs[0].key(), 0, at(0)) };
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
    assert_eq!(rung(7, 5, Way::Thread, "U2").key(), ladder.rungs[1].key(), "not by its place");
    let lead = Rung::new(1, DAY, Way::Dm, vec![Whom::Lead]);
    assert_ne!(lead.key(), ladder.daily().key(), "a config's daily rung is not the built-in one");
}

#[test]
fn an_assignee_who_cannot_hear_keeps_nobody_waiting() {
    let heard = fired(Ladder::assignee().key(), 0, at(0));
    let deaf = Fired { unheard: Some(at(1)), ..heard.clone() };
    for (fired, returned) in [(heard, at(5)), (deaf, at(1))] {
        let state = LadderState { round: 0, since: at(0), fired: vec![fired] };
        let due = next(&ladder(), &standing(&state, &[], true), at(1)).expect("it is waited for");
        assert_eq!(due, Due { at: returned, step: Step::Return });
    }
}

#[test]
fn an_edited_ladder_neither_catches_up_nor_falls_silent() {
    let mut ladder = ladder();
    let keys = ladder.keys();
    let climbed = |repeats: &[(u32, u32)]| {
        let mut all: Vec<_> =
            keys.iter().zip([0, 5, 15]).map(|(k, m)| fired(k, 0, at(m))).collect();
        all.extend(repeats.iter().map(|&(number, minute)| fired(&keys[2], number, at(minute))));
        LadderState { round: 0, since: at(0), fired: all }
    };
    // A rung added behind the last one, which the alert is long past: its repeat comes a whole span after the edit.
    ladder.rungs.push(rung(4, 20, Way::Dm, "U4"));
    let edited = |state| Standing { policy_since: at(60), ..standing(state, &keys, false) };
    let state = climbed(&[]);
    assert_eq!(next(&ladder, &edited(&state), at(61)).expect("waits").at, at(70));
    // With a repeat behind it, a span after that one, and as the next in number.
    let state = climbed(&[(1, 55)]);
    let due = next(&ladder, &edited(&state), at(61)).expect("waits");
    assert_eq!((due.at, matches!(due.step, Step::Tell { repeat: 2, .. })), (at(65), true));
    // Once the lead hears of it daily, more repeats change nothing.
    let mut state = climbed(&[(1, 25), (2, 35)]);
    let day = at(35) + DAY;
    state.fired.push(fired(ladder.daily().key(), 1, day));
    ladder.repeat.times = 1000;
    assert_eq!(next(&ladder, &edited(&state), day + MIN).expect("waits").at, day + DAY);
}

#[test]
fn a_rung_reached_late_is_repeated_a_whole_span_later() {
    let ladder = ladder();
    let keys = ladder.keys();
    let late = keys.iter().map(|key| fired(key, 0, at(24))).collect();
    let state = LadderState { round: 0, since: at(0), fired: late };
    assert_eq!(next(&ladder, &standing(&state, &keys, false), at(25)).expect("waits").at, at(34));
}
