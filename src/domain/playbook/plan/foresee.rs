//! How far a playbook's values are known before it runs: what the alert and the form say is, what earlier steps give is not.

use super::outline::*;
use super::{MOST_CALLS, PlanRefusal, Wanted, may_be_left_out};
use crate::domain::playbook::expr::{Expr, without_nulls};
use crate::domain::playbook::scope::Scope;
use crate::domain::playbook::text::{NoValue, Part, Template};
use crate::domain::playbook::{AlertChange, Asked, Call, Step, What};
use crate::domain::tool::{Action, Risk, Uses, Values};
use minijinja::Value;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// What is known at one point of a playbook.
pub(super) struct Sight<'a> {
    wanted: &'a Wanted<'a>,
    asked: &'a Asked,
    /// The names that `let` gave, where their values are known.
    lets: Values,
    /// The others.
    later: BTreeSet<String>,
    item: Option<Json>,
    calls: usize,
    /// What is missing refuses the plan, for these steps are sure to come.
    sure: bool,
}

impl<'a> Sight<'a> {
    pub(super) fn new(wanted: &'a Wanted<'a>, asked: &'a Asked) -> Self {
        let (lets, later) = (Values::new(), BTreeSet::new());
        Self { wanted, asked, lets, later, item: None, calls: 0, sure: true }
    }

    /// Plans steps that come one after the other.
    pub(super) fn steps(&mut self, steps: &[Step]) -> Result<Vec<Planned>, PlanRefusal> {
        let mut planned = Vec::new();
        for step in steps {
            planned.extend(self.step(step)?);
        }
        Ok(planned)
    }

    /// Plans steps that come only after a failure, or whatever came before: an earlier one may have given nothing.
    pub(super) fn aside(&mut self, steps: &[Step]) -> Result<Vec<Planned>, PlanRefusal> {
        self.sure = false;
        self.steps(steps)
    }

    fn step(&mut self, step: &Step) -> Result<Vec<Planned>, PlanRefusal> {
        let Some(list) = &step.for_each else { return Ok(vec![self.once(step, None)?]) };
        let (lets, later) = (self.lets.clone(), self.later.clone());
        let planned = if self.comes_later(list) {
            self.later.insert("item".to_owned());
            let mut planned = self.once(step, None)?;
            planned.each = Some(list.text().to_owned());
            vec![planned]
        } else {
            let mut planned = Vec::new();
            for (round, item) in self.items(step, list)?.into_iter().enumerate() {
                self.item = Some(item.clone());
                planned.push(Planned { item: Some(item), ..self.once(step, Some(round))? });
                (self.lets, self.later) = (lets.clone(), later.clone());
            }
            planned
        };
        // What a round calls by a name is the round's own.
        (self.lets, self.later, self.item) = (lets, later, None);
        Ok(planned)
    }

    fn items(&self, step: &Step, list: &Expr) -> Result<Vec<Json>, PlanRefusal> {
        let expr = list.text().to_owned();
        match self.all_of(list) {
            Ok(Json::Array(items)) if items.len() > MOST_CALLS => {
                Err(PlanRefusal::TooMany { calls: MOST_CALLS })
            }
            Ok(Json::Array(items)) => Ok(items),
            Ok(_) => Err(PlanRefusal::NotAList { step: step.id.clone(), expr }),
            Err(_) if !self.sure => Ok(Vec::new()),
            Err(why) => Err(refused(step, "for_each", why)),
        }
    }

    /// Plans one round: its names first, then its condition, then what it does.
    fn once(&mut self, step: &Step, round: Option<usize>) -> Result<Planned, PlanRefusal> {
        for (name, template) in &step.lets {
            self.name(name, template).map_err(|why| refused(step, name, why))?;
        }
        let when = self.condition(step)?;
        let (id, on_error) = (step.id.clone(), step.on_error);
        let sure = self.sure && when == Condition::Always;
        let act = self.act(step, sure)?;
        self.calls += usize::from(matches!(
            (&act, &when),
            (Act::Call(_), Condition::Always | Condition::If(_))
        ));
        if self.calls > MOST_CALLS {
            return Err(PlanRefusal::TooMany { calls: MOST_CALLS });
        }
        Ok(Planned { step: id, round, item: None, each: None, when, on_error, act })
    }

    /// A name that has no value stays missing: whoever uses it is refused then.
    fn name(&mut self, name: &str, template: &Template) -> Result<(), NoValue> {
        self.lets.remove(name);
        self.later.remove(name);
        match self.foresee(template) {
            Ok(Foreseen { value, settled: true }) => {
                self.lets.insert(name.to_owned(), value);
            }
            Ok(Foreseen { settled: false, .. }) => {
                self.later.insert(name.to_owned());
            }
            Err(NoValue::Undefined(_)) => {}
            Err(why) => return Err(why),
        }
        Ok(())
    }

    fn condition(&self, step: &Step) -> Result<Condition, PlanRefusal> {
        let Some(when) = &step.when else { return Ok(Condition::Always) };
        let text = when.text().to_owned();
        if self.comes_later(when) {
            return Ok(Condition::If(text));
        }
        match when.holds(&self.scope()) {
            Ok(true) => Ok(Condition::Always),
            Ok(false) => Ok(Condition::Skipped(text)),
            Err(why) => Err(PlanRefusal::Broken { step: Some(step.id.clone()), why }),
        }
    }

    fn act(&self, step: &Step, sure: bool) -> Result<Act, PlanRefusal> {
        Ok(match &step.what {
            What::Use(call) => Act::Call(Box::new(self.call(step, call, sure)?)),
            What::Say(text) => {
                let said = self.said(text);
                Act::Say(said.map_err(|why| refused(step, "say", why))?)
            }
            What::Alert(change) => {
                let change = self.change(change);
                Act::Change(Box::new(change.map_err(|why| refused(step, "alert", why))?))
            }
        })
    }

    fn call(&self, step: &Step, call: &Call, sure: bool) -> Result<PlannedCall, PlanRefusal> {
        let unknown =
            || PlanRefusal::UnknownTool { step: step.id.clone(), uses: call.uses.clone() };
        let (_, action) = self.wanted.catalogue.find(&call.uses).ok_or_else(unknown)?;
        let mut with = BTreeMap::new();
        for (name, template) in &call.with {
            if let Some(value) = self.input(step, (name, template), (action, sure))? {
                with.insert(name.clone(), value);
            }
        }
        let settled = with.iter().filter(|(_, value)| value.settled);
        let settled: Values =
            settled.map(|(name, value)| (name.clone(), value.value.clone())).collect();
        Ok(PlannedCall {
            uses: call.uses.clone(),
            title: action.title.clone(),
            risk: action.risk_of(&settled),
            touches: touches(action, &with),
            undo: undo(&call.uses, action),
            with,
        })
    }

    /// What one input is given; `None` where it is left out.
    fn input(
        &self,
        step: &Step,
        (name, template): (&str, &Template),
        (action, sure): (&Action, bool),
    ) -> Result<Option<Foreseen>, PlanRefusal> {
        match self.foresee(template) {
            Ok(value) if value.settled && sure => {
                let input = action.inputs.get(name);
                let fits = input.map_or(Ok(()), |input| input.check(&value.value));
                let (step, input) = (step.id.clone(), name.to_owned());
                fits.map_err(|what| PlanRefusal::Unfit { step, input, what })?;
                Ok(Some(value))
            }
            Ok(value) => Ok(Some(value)),
            Err(NoValue::Undefined(_)) if may_be_left_out(action, name) => Ok(None),
            // It may never come to this: the run looks again.
            Err(NoValue::Undefined(expr)) if !sure => Ok(Some(unsettled(&expr))),
            Err(why) => Err(refused(step, name, why)),
        }
    }

    fn change(&self, change: &AlertChange) -> Result<Change, NoValue> {
        let optional = |template: &Option<Template>| {
            template.as_ref().map(|template| self.said(template)).transpose()
        };
        let mut entities = BTreeMap::new();
        for (name, template) in &change.entities {
            match self.foresee(template) {
                Ok(value) => {
                    entities.insert(name.clone(), value);
                }
                Err(NoValue::Undefined(_)) => {}
                Err(why) => return Err(why),
            }
        }
        let resolve = change.resolve.as_ref();
        Ok(Change {
            severity: change.severity,
            entities,
            assign: optional(&change.assign)?,
            resolve: resolve.map(|resolve| resolve.disposition),
            note: resolve.map_or(Ok(None), |resolve| optional(&resolve.note))?,
        })
    }

    /// The value of a template as far as it is known.
    fn foresee(&self, template: &Template) -> Result<Foreseen, NoValue> {
        match template {
            Template::Plain(value) => Ok(Foreseen { value: value.clone(), settled: true }),
            Template::Whole(expr) if self.comes_later(expr) => Ok(later(expr)),
            Template::Whole(expr) => Ok(Foreseen { value: self.all_of(expr)?, settled: true }),
            Template::Mixed(parts) => self.text(parts, |template| template.value(&self.scope())),
            Template::List(items) => {
                let items: Vec<_> =
                    items.iter().map(|item| self.foresee(item)).collect::<Result<_, _>>()?;
                let settled = items.iter().all(|item| item.settled);
                Ok(Foreseen { value: items.into_iter().map(|item| item.value).collect(), settled })
            }
            Template::Map(entries) => {
                let entry =
                    |(key, value): &(String, Template)| Ok((key.clone(), self.foresee(value)?));
                let entries: Vec<_> = entries.iter().map(entry).collect::<Result<_, _>>()?;
                let settled = entries.iter().all(|(_, value)| value.settled);
                let value = entries.into_iter().map(|(key, value)| (key, value.value));
                Ok(Foreseen { value: Json::Object(value.collect()), settled })
            }
        }
    }

    /// What people will read: there, what is missing is left empty.
    fn said(&self, template: &Template) -> Result<Foreseen, NoValue> {
        let one = |template: &Template| template.said(&self.scope()).map(Json::String);
        match template {
            Template::Whole(expr) if self.comes_later(expr) => Ok(later(expr)),
            Template::Mixed(parts) => self.text(parts, one),
            other => Ok(Foreseen { value: one(other)?, settled: true }),
        }
    }

    fn text(
        &self,
        parts: &[Part],
        known: impl Fn(&Template) -> Result<Json, NoValue>,
    ) -> Result<Foreseen, NoValue> {
        let (mut text, mut settled) = (String::new(), true);
        for part in parts {
            match part {
                Part::Text(piece) => text.push_str(piece),
                Part::Expr(expr) if self.comes_later(expr) => {
                    text.push_str(&placeholder(expr.text()));
                    settled = false;
                }
                // By itself, so that what is not known yet beside it is not asked for.
                part @ Part::Expr(_) => {
                    let piece = known(&Template::Mixed(vec![part.clone()]))?;
                    text.push_str(piece.as_str().unwrap_or_default());
                }
            }
        }
        Ok(Foreseen { value: text.into(), settled })
    }

    fn comes_later(&self, expr: &Expr) -> bool {
        expr.names().iter().any(|name| {
            let root = name.split('.').next().unwrap_or_default();
            matches!(root, "steps" | "error" | "run") || self.later.contains(root)
        })
    }

    fn all_of(&self, expr: &Expr) -> Result<Json, NoValue> {
        Template::Whole(expr.clone()).value(&without_nulls(&self.scope()))
    }

    fn scope(&self) -> Value {
        let (given, item) = (&BTreeMap::new(), self.item.as_ref());
        let (about, asked, lets) = (self.wanted.about, self.asked, &self.lets);
        Scope { about, asked, given, lets, item, error: None, run: None }.value()
    }
}

fn refused(step: &Step, input: &str, why: NoValue) -> PlanRefusal {
    let (step, input) = (step.id.clone(), input.to_owned());
    match why {
        NoValue::Undefined(expr) => PlanRefusal::Undefined { step, input, expr },
        NoValue::Broken(why) => PlanRefusal::Broken { step: Some(step), why },
    }
}

fn later(expr: &Expr) -> Foreseen {
    unsettled(expr.text())
}

fn unsettled(expr: &str) -> Foreseen {
    Foreseen { value: placeholder(expr).into(), settled: false }
}

/// `steps.find.id` as ‹find.id›.
fn placeholder(expr: &str) -> String {
    format!("‹{}›", expr.strip_prefix("steps.").unwrap_or(expr))
}

fn touches(action: &Action, with: &BTreeMap<String, Foreseen>) -> Vec<Touch> {
    let named = action.inputs.iter().filter_map(|(name, input)| Some((name, input.entity?)));
    named
        .filter_map(|(name, entity)| {
            let value = with.get(name)?.clone();
            Some(Touch { entity, input: name.clone(), value })
        })
        .collect()
}

fn undo(uses: &Uses, action: &Action) -> Undo {
    match &action.undo {
        Some(undo) => Undo::By(Uses { tool: uses.tool.clone(), action: undo.action.clone() }),
        None if action.risk == Risk::Read => Undo::Nothing,
        None => Undo::Cannot,
    }
}
