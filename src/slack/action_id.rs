//! What a button, a menu's choice or a form carries: which act, on which alert, in which life of it; signed, so that only
//! what we made ourselves is obeyed.

use crate::domain::event::Action;
use crate::domain::ids::{AlertId, PlaybookName, RunId, StepId};
use crate::domain::input::{Act, Binding, Form};
use crate::domain::playbook::run::event::{CallId, Choice};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;

/// Names the use of the key, so that a signature made for anything else is worth nothing here.
const PURPOSE: &str = "vigie/slack-action/1";
const PURPOSE_ALL: &str = "vigie/slack-action-on-all/1";
const PURPOSE_FOR: &str = "vigie/slack-action-for-a-playbook/1";
const PURPOSE_RUN: &str = "vigie/slack-action-on-a-run/1";

/// What a button of a run carries.
#[derive(Clone, Copy, Debug)]
pub struct OfRun<'a> {
    pub act: Action,
    pub run: &'a RunId,
    /// The hash of the plan that whoever presses has before their eyes.
    pub plan: &'a str,
    /// For a step in doubt: which try of it, and what is chosen.
    pub call: Option<(&'a CallId, Choice)>,
}

/// Signs what our buttons and forms carry, and reads it back.
#[derive(Clone)]
pub struct Signer {
    keyed: Hmac<Sha256>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(…)")
    }
}

impl Signer {
    /// A signer with a key of the installation's own: another key makes every older button a forged one.
    pub fn new(key: &[u8; 32]) -> Self {
        let keyed = Hmac::new_from_slice(key).expect("HMAC takes a key of any length");
        Self { keyed }
    }

    /// `ACT.ALERT.LIFE.MAC`, at most 100 characters (an overflow's values may have 150).
    pub fn sign(&self, act: Action, alert: &AlertId, life: u32) -> String {
        let mac = URL_SAFE_NO_PAD.encode(self.mac(act, alert, life));
        format!("{}.{alert}.{life}.{mac}", act.as_str())
    }

    /// `ACT.ALERT:LIFE,ALERT:LIFE….MAC` for one press that acts on many alerts; 20 of them are within a button's 2,000
    /// characters.
    pub fn sign_all(&self, act: Action, alerts: &[(&AlertId, u32)]) -> String {
        let named: Vec<String> =
            alerts.iter().map(|(alert, life)| format!("{alert}:{life}")).collect();
        let named = named.join(",");
        let mac = URL_SAFE_NO_PAD.encode(self.mac_of(&[PURPOSE_ALL, act.as_str(), &named]));
        format!("{}.{named}.{mac}", act.as_str())
    }

    /// Each alert that `sign_all` named for this very act; anything else is forged.
    pub fn read_all(&self, value: &str, act: Action) -> Vec<Binding> {
        self.open_all(value, act).unwrap_or_else(|| vec![Binding::Forged])
    }

    fn open_all(&self, value: &str, act: Action) -> Option<Vec<Binding>> {
        let rest = value.strip_prefix(act.as_str())?.strip_prefix('.')?;
        let (named, mac) = rest.split_once('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        let ours = self.mac_of(&[PURPOSE_ALL, act.as_str(), named]);
        let good: bool = ours.as_slice().ct_eq(&mac).into();
        if !good {
            return None;
        }
        let binding = |one: &str| {
            let (id, life) = one.split_once(':')?;
            Some(Binding::Good { alert: AlertId::parse(id)?, life: life.parse().ok()? })
        };
        named.split(',').map(binding).collect()
    }

    /// What `sign` wrote for this very act; anything else is forged.
    pub fn read(&self, value: &str, act: Action) -> Binding {
        self.open(value, act).unwrap_or(Binding::Forged)
    }

    fn open(&self, value: &str, act: Action) -> Option<Binding> {
        let mut parts = value.split('.');
        let (name, id, number, mac) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let alert = AlertId::parse(id).filter(|alert| alert.as_str() == id)?;
        let life: u32 = number.parse().ok()?;
        // One way to write each value: nothing that merely reads the same passes.
        if parts.next().is_some() || name != act.as_str() || life.to_string() != number {
            return None;
        }
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        let good: bool = self.mac(act, &alert, life).as_slice().ct_eq(&mac).into();
        good.then_some(Binding::Good { alert, life })
    }

    /// `ACT.ALERT.LIFE.PLAYBOOK.MAC`, for what begins a run.
    pub fn sign_for(
        &self,
        act: Action,
        (alert, life): (&AlertId, u32),
        playbook: &PlaybookName,
    ) -> String {
        let said = format!("{}.{alert}.{life}.{playbook}", act.as_str());
        let mac = URL_SAFE_NO_PAD.encode(self.mac_of(&[PURPOSE_FOR, &said]));
        format!("{said}.{mac}")
    }

    /// The playbook and the alert that `sign_for` named for this very act.
    pub fn read_for(&self, value: &str, act: Action) -> Option<(PlaybookName, Binding)> {
        let said = self.opened(PURPOSE_FOR, value)?;
        let rest = said.strip_prefix(act.as_str())?.strip_prefix('.')?;
        let mut parts = rest.splitn(3, '.');
        let (alert, life) = (AlertId::parse(parts.next()?)?, parts.next()?.parse().ok()?);
        Some((PlaybookName::new(parts.next()?), Binding::Good { alert, life }))
    }

    /// `ACT.RUN.PLAN[.ITERATION.ATTEMPT.CHOICE.STEP].MAC`: about 200 characters, for buttons and forms.
    pub fn sign_run(&self, of: &OfRun<'_>) -> String {
        let mut said = format!("{}.{}.{}", of.act.as_str(), of.run, of.plan);
        if let Some((call, choice)) = of.call {
            let CallId { step, iteration, attempt } = call;
            said.push_str(&format!(".{iteration}.{attempt}.{}.{step}", written(choice)));
        }
        let mac = URL_SAFE_NO_PAD.encode(self.mac_of(&[PURPOSE_RUN, &said]));
        format!("{said}.{mac}")
    }

    /// What `sign_run` signed for this very act.
    pub fn read_run(
        &self,
        value: &str,
        act: Action,
    ) -> Option<(Option<(CallId, Choice)>, Binding)> {
        let said = self.opened(PURPOSE_RUN, value)?;
        let rest = said.strip_prefix(act.as_str())?.strip_prefix('.')?;
        let mut parts = rest.splitn(6, '.');
        let (run, plan) = (RunId::parse(parts.next()?)?, parts.next()?.to_owned());
        let call = match parts.next() {
            None => None,
            Some(iteration) => {
                let (iteration, attempt) = (iteration.parse().ok()?, parts.next()?.parse().ok()?);
                let choice = choice(parts.next()?)?;
                let step = StepId::new(parts.next()?);
                Some((CallId { step, iteration, attempt }, choice))
            }
        };
        Some((call, Binding::Run { run, plan }))
    }

    /// The text before the MAC, where that is ours.
    fn opened<'v>(&self, purpose: &str, value: &'v str) -> Option<&'v str> {
        let (said, mac) = value.rsplit_once('.')?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        let good: bool = self.mac_of(&[purpose, said]).as_slice().ct_eq(&mac).into();
        good.then_some(said)
    }

    fn mac(&self, act: Action, alert: &AlertId, life: u32) -> [u8; 32] {
        let mut mac = self.over(&[PURPOSE, act.as_str(), alert.as_str()]);
        mac.update(&life.to_be_bytes());
        mac.finalize().into_bytes().into()
    }

    fn mac_of(&self, parts: &[&str]) -> [u8; 32] {
        self.over(parts).finalize().into_bytes().into()
    }

    fn over(&self, parts: &[&str]) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }
}

fn written(choice: Choice) -> String {
    match choice {
        Choice::Check => "check".to_owned(),
        Choice::Happened => "happened".to_owned(),
        Choice::Again => "again".to_owned(),
        Choice::Abandon => "abandon".to_owned(),
        Choice::Take(at) => format!("take{at}"),
    }
}

fn choice(word: &str) -> Option<Choice> {
    match word {
        "check" => Some(Choice::Check),
        "happened" => Some(Choice::Happened),
        "again" => Some(Choice::Again),
        "abandon" => Some(Choice::Abandon),
        _ => word.strip_prefix("take")?.parse().ok().map(Choice::Take),
    }
}

macro_rules! wire_words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The word in Slack's payloads.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
            /// Reads that word; `None` for what is not ours.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    )*};
}

wire_words! {
    /// The `action_id` of what can be pressed in a message.
    ActionId {
        Ack = "ack", AckAll = "ack_all", Resolve = "resolve", Reopen = "reopen", More = "more", Run = "run",
        ApproveRun = "approve_run", DeclineRun = "decline_run", CancelRun = "cancel_run", Decide = "decide",
        ShowRun = "show_run", UndoRun = "undo_run",
    }
    /// The `callback_id` of our forms.
    CallbackId { Resolve = "resolve", Assign = "assign", Ask = "ask", Plan = "plan" }
}

impl ActionId {
    /// The id of the `index`th button of its kind in a message: Slack wants each once.
    pub fn numbered(id: &str, index: usize) -> String {
        format!("{id}.{index}")
    }
}

/// What was pressed: a button's value, or that of the choice in the overflow; several acts where one press is for many
/// alerts. None where the id is not one of ours.
pub fn pressed(action_id: &str, value: &str, signer: &Signer) -> Vec<(Act, Binding)> {
    let (id, _) = action_id.split_once('.').unwrap_or((action_id, ""));
    let act = match ActionId::parse(id) {
        None => return Vec::new(),
        Some(ActionId::AckAll) => {
            let each = signer.read_all(value, Action::Acknowledge).into_iter();
            return each.map(|binding| (Act::Acknowledge, binding)).collect();
        }
        Some(ActionId::Run) => return vec![begins(value, signer)],
        Some(ActionId::ApproveRun) => Act::ApproveRun,
        Some(ActionId::DeclineRun) => Act::DeclineRun,
        Some(ActionId::CancelRun) => Act::CancelRun,
        Some(ActionId::ShowRun) => Act::ShowRun,
        Some(ActionId::UndoRun) => Act::UndoRun { run: RunId::new("") },
        Some(ActionId::Decide) => return vec![decides(value, signer)],
        Some(ActionId::Ack) => Act::Acknowledge,
        Some(ActionId::Resolve) => Act::AskResolve,
        Some(ActionId::Reopen) => Act::Reopen,
        // A choice that names no act of the menu is forged, whatever act it is recorded as.
        Some(ActionId::More) if is_for(value, Action::RunForm) => {
            return vec![begins(value, signer)];
        }
        Some(ActionId::More) if is_for(value, Action::Reopen) => Act::Reopen,
        Some(ActionId::More) => Act::AskAssign,
    };
    let binding = match act {
        Act::ApproveRun | Act::DeclineRun | Act::CancelRun | Act::UndoRun { .. } | Act::ShowRun => {
            signer.read_run(value, act.action()).map_or(Binding::Forged, |(_, binding)| binding)
        }
        _ => signer.read(value, act.action()),
    };
    vec![(act, binding)]
}

/// A playbook's button. Whoever hears it gives the run its id.
fn begins(value: &str, signer: &Signer) -> (Act, Binding) {
    let run = RunId::new("");
    match signer.read_for(value, Action::RunForm) {
        Some((playbook, binding)) => (Act::AskRun { playbook, run }, binding),
        None => (Act::AskRun { playbook: PlaybookName::new(""), run }, Binding::Forged),
    }
}

fn decides(value: &str, signer: &Signer) -> (Act, Binding) {
    match signer.read_run(value, Action::DecideStep) {
        Some((Some((call, choice)), binding)) => (Act::DecideStep { call, choice }, binding),
        _ => {
            let call = CallId { step: StepId::new(""), iteration: 0, attempt: 0 };
            (Act::DecideStep { call, choice: Choice::Abandon }, Binding::Forged)
        }
    }
}

fn is_for(value: &str, act: Action) -> bool {
    value.split('.').next() == Some(act.as_str())
}

impl CallbackId {
    /// The form it belongs to.
    pub fn form(self) -> Form {
        match self {
            Self::Resolve => Form::Resolve,
            Self::Assign => Form::Assign,
            Self::Ask => Form::Ask { playbook: PlaybookName::new("") },
            Self::Plan => Form::Plan { run: RunId::new("") },
        }
    }

    /// What sending the form does; its `private_metadata` is signed for that.
    pub fn action(self) -> Action {
        match self {
            Self::Resolve => Action::Resolve,
            Self::Assign => Action::Assign,
            Self::Ask => Action::PlanRun,
            Self::Plan => Action::StartRun,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::new(&[7; 32])
    }
    fn alert() -> AlertId {
        AlertId::parse("alr_01JDGQ5R6ZK3V8W9XACEGHJKMN").expect("a good id")
    }

    #[test]
    fn what_was_signed_is_read_for_that_act_and_no_other() {
        let value = signer().sign(Action::Acknowledge, &alert(), 3);
        let good = Binding::Good { alert: alert(), life: 3 };
        assert_eq!(signer().read(&value, Action::Acknowledge), good);
        assert_eq!(signer().read(&value, Action::Resolve), Binding::Forged);
        assert_eq!(Signer::new(&[8; 32]).read(&value, Action::Acknowledge), Binding::Forged);
        assert_eq!(format!("{:?}", signer()), "Signer(…)");
    }

    #[test]
    fn the_longest_value_fits_a_menus_option() {
        for act in [Action::Acknowledge, Action::ResolveForm, Action::AssignForm, Action::Reopen] {
            assert!(signer().sign(act, &alert(), u32::MAX).len() <= 150);
        }
    }

    #[test]
    fn every_change_of_a_character_makes_it_forged() {
        let value = signer().sign(Action::Reopen, &alert(), 0);
        for at in 0..value.len() {
            for with in ["A", "b", "0", ".", "_", ""] {
                let changed = format!("{}{with}{}", &value[..at], &value[at + 1..]);
                if changed != value {
                    assert_eq!(signer().read(&changed, Action::Reopen), Binding::Forged);
                }
            }
        }
        for longer in [format!("{value}="), format!("{value}.x"), format!(" {value}")] {
            assert_eq!(signer().read(&longer, Action::Reopen), Binding::Forged);
        }
    }

    #[test]
    fn a_press_is_the_act_of_its_button_or_of_the_choice() {
        let press = |id: &str, act| pressed(id, &signer().sign(act, &alert(), 0), &signer());
        let good = Binding::Good { alert: alert(), life: 0 };
        let cases = [
            ("ack", Action::Acknowledge, Act::Acknowledge),
            ("resolve", Action::ResolveForm, Act::AskResolve),
            ("reopen", Action::Reopen, Act::Reopen),
            ("more", Action::Reopen, Act::Reopen),
            ("more", Action::AssignForm, Act::AskAssign),
        ];
        for (id, signed, act) in cases {
            assert_eq!(press(id, signed), [(act.clone(), good.clone())]);
            assert_eq!(press(&ActionId::numbered(id, 7), signed), [(act, good.clone())]);
        }
        assert_eq!(press("ack", Action::Reopen), [(Act::Acknowledge, Binding::Forged)]);
        assert_eq!(press("more", Action::Resolve), [(Act::AskAssign, Binding::Forged)]);
        assert_eq!(press("disposition", Action::Resolve), []);
    }

    #[test]
    fn a_press_for_many_acts_on_each_that_was_signed_and_on_no_other() {
        let other = AlertId::parse("alr_01JDGQ5R6ZK3V8W9XACEGHJKMP").expect("a good id");
        let alert = alert();
        let value = signer().sign_all(Action::Acknowledge, &[(&alert, 0), (&other, 2)]);
        let good = |alert: &AlertId, life| {
            (Act::Acknowledge, Binding::Good { alert: alert.clone(), life })
        };
        assert_eq!(pressed("ack_all", &value, &signer()), [good(&alert, 0), good(&other, 2)]);
        let forged = [(Act::Acknowledge, Binding::Forged)];
        let one = signer().sign(Action::Acknowledge, &alert, 0);
        assert_eq!(pressed("ack_all", &one, &signer()), forged, "a value for one is none for all");
        assert_eq!(pressed("ack", &value, &signer()), forged, "nor the other way round");
        for changed in [value.replace(":2", ":3"), value.replace(",", ",,"), format!("{value}=")] {
            assert_eq!(pressed("ack_all", &changed, &signer()), forged, "{changed}");
        }
        let most: Vec<_> = (0..25).map(|_| (&alert, u32::MAX)).collect();
        assert!(signer().sign_all(Action::Acknowledge, &most).len() <= 2000);
    }
}
