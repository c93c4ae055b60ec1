//! What is going to happen, in which order: made from the seed alone, before anything runs.

use super::chance::Chance;
use std::time::Duration;
use vigie::sim::Fault;

/// One alert within a webhook's body.
#[derive(Clone, Debug)]
pub struct Fired {
    /// Which case it is: the same number of the same source is the same alert.
    pub case: u64,
    /// 0 is critical.
    pub severity: usize,
    pub over: bool,
    /// The person whom it is about.
    pub about: Option<&'static str>,
}

/// What a person presses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    Acknowledge,
    Resolve,
    Assign,
    Reopen,
}

/// One thing that happens. A number `pick` says which of what there is at that moment.
#[derive(Clone, Debug)]
pub enum Step {
    Wait(Duration),
    /// The others take so many turns, and no time passes.
    Breathe(u64),
    /// Until Slack has done the next call of this method, and before we hear its answer; only for a moment.
    Upon(&'static str),
    Hook {
        source: &'static str,
        alerts: Vec<Fired>,
        named: bool,
    },
    /// A source sends the very delivery again.
    HookAgain {
        pick: u64,
    },
    Press {
        who: &'static str,
        button: Button,
        pick: u64,
        twice: bool,
    },
    /// A button as it was some time ago, or one with a value that we never signed.
    OldButton {
        who: &'static str,
        pick: u64,
        forged: bool,
    },
    /// As somebody of another workspace.
    Stranger {
        pick: u64,
    },
    Submit {
        who: &'static str,
        note: bool,
        to: &'static str,
    },
    Type {
        who: &'static str,
        verb: &'static str,
        pick: u64,
    },
    Fail {
        method: &'static str,
        fault: Fault,
    },
    RepeatNext,
    DropSockets,
    FreezeSockets,
    Disconnect(&'static str),
    HangOpen,
    HangUpgrade,
    Down,
    Up,
    Kill,
    Stop,
    Start,
    /// Somebody else holds the database for so long, by the machine's own clock.
    SlowDisk(Duration),
    Delete {
        pick: u64,
    },
    Archive(&'static str),
    Unarchive(&'static str),
    Snooze {
        who: &'static str,
        on: bool,
    },
    /// Somebody sets the clock of the app's machine, by so many milliseconds.
    SetClock(i64),
}

pub const PEOPLE: [&str; 6] = ["ana", "bea", "lea", "aud", "eve", "gus"];
const HANDS: [&str; 9] = ["ana", "ana", "ana", "bea", "bea", "lea", "aud", "eve", "gus"];
const CHANNELS: [&str; 2] = ["#sec", "#soc-alerts"];
/// What is made to fail: posts most, for they are what must not be said twice.
const METHODS: [&str; 14] = [
    "chat.postMessage",
    "chat.postMessage",
    "chat.postMessage",
    "chat.postMessage",
    "chat.update",
    "chat.update",
    "conversations.history",
    "conversations.replies",
    "conversations.open",
    "dnd.info",
    "users.info",
    "usergroups.list",
    "apps.connections.open",
    "response_url",
];

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;

/// A plan in the making.
struct Maker {
    chance: Chance,
    steps: Vec<Step>,
    alive: bool,
    up: bool,
    archived: Option<&'static str>,
}

/// The whole plan of a seed.
pub fn of(seed: u64) -> Vec<Step> {
    let mut maker = Maker {
        chance: Chance::new(seed),
        steps: Vec::new(),
        alive: true,
        up: true,
        archived: None,
    };
    let length = usize::try_from(maker.chance.between(40, 75)).expect("small");
    maker.hook();
    while maker.steps.len() < length {
        maker.next();
    }
    maker.steps
}

impl Maker {
    fn add(&mut self, step: Step) {
        self.steps.push(step);
    }

    fn next(&mut self) {
        // What is down is seldom down for long.
        if !self.alive && self.chance.one_in(3) {
            self.alive = true;
            self.add(Step::Start);
            if self.chance.one_in(3) {
                self.kill();
            }
            return;
        }
        match self.chance.below(100) {
            0..=21 => self.hook(),
            22..=49 => self.person(),
            50..=64 => self.wait(),
            65..=66 => self.set_clock(),
            67..=79 => self.trouble(),
            80..=85 => self.socket(),
            86..=90 => self.kill(),
            91..=93 => self.outage(),
            94..=95 => {
                let held = self.chance.between(2, 15);
                self.add(Step::SlowDisk(Duration::from_millis(held)));
                self.breathe();
            }
            96..=97 => {
                let pick = self.chance.any();
                self.add(Step::Delete { pick });
            }
            98 => self.archive(),
            _ => {
                let (who, on) = (self.chance.of(&["ana", "bea", "lea"]), self.chance.one_in(2));
                self.add(Step::Snooze { who, on });
            }
        }
        if self.chance.one_in(3) {
            self.wait();
        }
    }

    fn wait(&mut self) {
        let span = match self.chance.below(40) {
            0..=13 => self.chance.between(1, 60),
            14..=23 => self.chance.between(60, 8 * SECOND),
            24..=35 => self.chance.between(8 * SECOND, 4 * MINUTE),
            36..=38 => self.chance.between(4 * MINUTE, 15 * MINUTE),
            _ => self.chance.between(15 * MINUTE, 40 * MINUTE),
        };
        self.add(Step::Wait(Duration::from_millis(span)));
    }

    fn set_clock(&mut self) {
        let by = self.chance.of(&[5 * SECOND, 2 * MINUTE, 11 * MINUTE, 120 * MINUTE]);
        let by = i64::try_from(by).expect("small");
        let ahead = self.chance.one_in(2);
        self.add(Step::SetClock(if ahead { by } else { -by }));
    }

    fn breathe(&mut self) {
        let turns = self.chance.between(1, 600);
        self.add(Step::Breathe(turns));
    }

    fn hook(&mut self) {
        if self.chance.one_in(8) {
            let pick = self.chance.any();
            return self.add(Step::HookAgain { pick });
        }
        let count = if self.chance.one_in(6) { self.chance.between(2, 6) } else { 1 };
        let alerts = (0..count)
            .map(|_| Fired {
                case: self.chance.below(5),
                severity: self.chance.of(&[0, 0, 1, 1, 2, 3, 4]),
                over: self.chance.one_in(6),
                about: self.chance.one_in(12).then(|| self.chance.of(&["ana", "bea", "eve"])),
            })
            .collect();
        let source = self.chance.of(&["edr", "edr", "prometheus"]);
        let named = source == "edr" && self.chance.one_in(2);
        self.add(Step::Hook { source, alerts, named });
    }

    fn person(&mut self) {
        let (who, pick) = (self.chance.of(&HANDS), self.chance.any());
        let step = match self.chance.below(20) {
            0..=6 => {
                Step::Press { who, button: Button::Acknowledge, pick, twice: self.chance.one_in(4) }
            }
            7..=9 => Step::Press { who, button: Button::Resolve, pick, twice: false },
            10 => Step::Press { who, button: Button::Assign, pick, twice: false },
            11..=12 => {
                Step::Press { who, button: Button::Reopen, pick, twice: self.chance.one_in(4) }
            }
            13..=14 => Step::OldButton { who, pick, forged: self.chance.one_in(3) },
            15 => Step::Stranger { pick },
            _ => {
                let verb = self.chance.of(&["help", "list", "coverage", "show", "lst"]);
                Step::Type { who, verb, pick }
            }
        };
        let form = matches!(step, Step::Press { button: Button::Resolve | Button::Assign, .. });
        self.add(step);
        if form && !self.chance.one_in(6) {
            let pause = self.chance.between(20, 30 * SECOND);
            self.add(Step::Wait(Duration::from_millis(pause)));
            let (note, to) = (!self.chance.one_in(3), self.chance.of(&PEOPLE));
            self.add(Step::Submit { who, note, to });
        }
    }

    fn fault(&mut self) -> Fault {
        match self.chance.below(12) {
            0..=2 => Fault::LoseResponse,
            3..=4 => Fault::DropConnection,
            5..=7 => {
                let most = self.chance.of(&[2, 30, 400]);
                Fault::RateLimited {
                    retry_after: Duration::from_secs(self.chance.between(1, most)),
                }
            }
            8 => Fault::Status(self.chance.of(&[500, 502, 503])),
            9 => Fault::error(self.chance.of(&["internal_error", "fatal_error"])),
            10 => Fault::Hang(Duration::from_secs(self.chance.between(1, 40))),
            _ => Fault::Slow(Duration::from_millis(self.chance.between(50, 12_000))),
        }
    }

    fn trouble(&mut self) {
        // Now and then a storm: many calls in a row.
        let (count, storm) = match self.chance.below(5) {
            0 => (self.chance.between(4, 14), true),
            _ => (self.chance.between(1, 3), false),
        };
        let mut method = self.chance.of(&METHODS);
        for _ in 0..count {
            let fault = self.fault();
            self.add(Step::Fail { method, fault });
            if !storm {
                method = self.chance.of(&METHODS);
            }
        }
    }

    fn socket(&mut self) {
        let step = match self.chance.below(14) {
            0..=3 => Step::RepeatNext,
            4..=5 => Step::DropSockets,
            6 => Step::FreezeSockets,
            7..=9 => Step::Disconnect(self.chance.of(&["warning", "refresh_requested"])),
            10 => Step::Disconnect(self.chance.of(&["too_many_websockets", "link_disabled"])),
            11 => Step::HangOpen,
            12 => Step::HangUpgrade,
            _ => Step::DropSockets,
        };
        self.add(step);
    }

    /// At any moment: also in the middle of what was just sent, and of a recovery.
    fn kill(&mut self) {
        if self.alive && self.chance.one_in(4) {
            return self.squeeze();
        }
        match self.chance.below(4) {
            0 => self.breathe(),
            1..=2 => {
                if self.alive && self.chance.one_in(2) {
                    self.hook();
                }
                let method =
                    self.chance.of(&["chat.postMessage", "chat.postMessage", "chat.update"]);
                self.add(Step::Upon(method));
            }
            _ => {}
        }
        if !self.alive {
            self.alive = true;
            return self.add(Step::Start);
        }
        self.alive = false;
        let good = self.chance.one_in(4);
        self.add(if good { Step::Stop } else { Step::Kill });
    }

    /// A click waits behind a commit that takes long, and the process dies before its turn.
    fn squeeze(&mut self) {
        let (who, pick) = (self.chance.of(&["ana", "bea", "lea"]), self.chance.any());
        self.add(Step::SlowDisk(Duration::from_millis(40)));
        self.add(Step::Breathe(300));
        self.hook();
        self.add(Step::Breathe(300));
        self.add(Step::Press { who, button: Button::Acknowledge, pick, twice: false });
        self.breathe();
        self.add(Step::Kill);
        self.alive = false;
    }

    fn outage(&mut self) {
        if !self.up {
            self.up = true;
            return self.add(Step::Up);
        }
        self.add(Step::Down);
        let span = match self.chance.below(8) {
            0..=1 => self.chance.between(SECOND, MINUTE),
            2..=6 => self.chance.between(3 * MINUTE, 12 * MINUTE),
            _ => self.chance.between(30 * MINUTE, 60 * MINUTE),
        };
        for _ in 0..self.chance.below(5) {
            self.hook();
        }
        self.add(Step::Wait(Duration::from_millis(span)));
        for _ in 0..self.chance.below(3) {
            self.hook();
        }
        // Or it stays away while other things happen.
        self.up = !self.chance.one_in(4);
        if self.up {
            self.add(Step::Up);
        }
    }

    fn archive(&mut self) {
        match self.archived.take() {
            Some(channel) => self.add(Step::Unarchive(channel)),
            None => {
                let channel = self.chance.of(&CHANNELS);
                self.archived = Some(channel);
                self.add(Step::Archive(channel));
            }
        }
    }
}
