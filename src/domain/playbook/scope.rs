//! What a playbook's expressions see: `alert`, `source`, `ask`, `steps`, `item`, `error`, `run`, and the names that `let` gave.

use super::{Asked, expr};
use crate::domain::alert::Normalised;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::ids::{AlertId, PlaybookName, RunId, SourceName, StepId};
use crate::domain::tool::Values;
use crate::domain::tool::call::Answered;
use minijinja::Value;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// The alert that a playbook is about, in the names that it has everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    pub source: SourceName,
    pub alert: Normalised,
}

/// What a step gave: one answer, or one for each item of its `for_each`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    One(Answered),
    Each(Vec<Answered>),
}

/// What a run is told of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub id: RunId,
    pub playbook: PlaybookName,
    pub started_by: String,
    /// Ours: `alr_…`. The source's own stands in `alert.id`.
    pub alert: AlertId,
}

/// All that an expression may read at one point of a run.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    pub about: &'a About,
    pub asked: &'a Asked,
    pub given: &'a BTreeMap<StepId, Given>,
    pub lets: &'a Values,
    pub item: Option<&'a Json>,
    /// What went wrong, and in which step: only `on_failure` sees it.
    pub error: Option<(&'a str, &'a StepId)>,
    pub run: Option<&'a Facts>,
}

impl About {
    /// The alert as it stands now, with the worst severity that its source has said; `None` once its words were erased.
    pub fn of(alert: &Alert) -> Option<Self> {
        let content = alert.content.clone()?;
        let normalised = Normalised {
            id: content.source_id,
            title: content.title,
            description: content.description,
            rule: content.rule,
            severity: alert.severity,
            status: alert.status,
            dedup_key: alert.received.fingerprint.clone(),
            url: content.url,
            entities: content.entities,
            tactic: content.tactic,
            technique: content.technique,
            occurred_at: alert.received.occurred_at,
        };
        Some(Self { source: alert.received.source.clone(), alert: normalised })
    }

    fn json(&self) -> Json {
        serde_json::to_value(&self.alert).expect("an alert is plain data")
    }

    /// What may be read before anything is asked: `alert` and `source`.
    pub fn value(&self) -> Value {
        expr::json(&json!({"alert": self.json(), "source": self.source}))
    }
}

impl Given {
    /// What `steps.ID` is: the outputs, with `items`, `count`, `more` and `already` beside them.
    fn json(&self) -> Json {
        match self {
            Self::One(answered) => {
                let mut all: Map<String, Json> = match &answered.found {
                    Some(found) => Map::from_iter([
                        ("items".to_owned(), json!(found.items)),
                        ("count".to_owned(), json!(found.count)),
                        ("more".to_owned(), json!(!found.is_whole())),
                    ]),
                    None => Map::new(),
                };
                all.insert("already".to_owned(), answered.already.into());
                all.extend(answered.out.clone());
                all.into()
            }
            Self::Each(answers) => {
                let items: Vec<_> = answers.iter().map(|answered| &answered.out).collect();
                json!({"count": items.len(), "items": items})
            }
        }
    }
}

impl Scope<'_> {
    /// The values by their names. A `let` cannot hide a name of ours: the check refuses it.
    pub fn value(&self) -> Value {
        let steps: Map<String, Json> =
            self.given.iter().map(|(id, given)| (id.to_string(), given.json())).collect();
        let mut all: Map<String, Json> =
            self.lets.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        all.insert("alert".to_owned(), self.about.json());
        all.insert("source".to_owned(), json!(self.about.source));
        all.insert("ask".to_owned(), json!(self.asked));
        all.insert("steps".to_owned(), steps.into());
        if let Some(item) = self.item {
            all.insert("item".to_owned(), item.clone());
        }
        if let Some((message, step)) = self.error {
            all.insert("error".to_owned(), json!({"message": message, "step": step}));
        }
        if let Some(Facts { id, playbook, started_by, alert }) = self.run {
            let run =
                json!({"id": id, "playbook": playbook, "started_by": started_by, "alert": alert});
            all.insert("run".to_owned(), run);
        }
        expr::json(&all.into())
    }
}
