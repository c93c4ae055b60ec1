//! Why no plan can be made, said to who asked for it.

use crate::domain::ids::StepId;
use crate::domain::playbook::expr::ExprError;
use crate::domain::tool::Uses;
use std::fmt;

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanRefusal {
    /// Its `when` does not hold.
    NotForThisAlert {
        when: String,
    },
    /// Something that is asked and was not answered.
    Missing {
        ask: String,
        label: String,
    },
    /// An answer that is none of those that may be given.
    NotOneOfTheChoices {
        ask: String,
        said: String,
        choices: Vec<String>,
    },
    /// An answer of the wrong sort.
    WrongAnswer {
        ask: String,
        wants: &'static str,
    },
    /// An answer to what nobody asked.
    NotAsked {
        name: String,
    },
    /// Something that a call must have and that the alert does not say.
    Undefined {
        step: StepId,
        input: String,
        expr: String,
    },
    /// A value that the input cannot have; `what` says why.
    Unfit {
        step: StepId,
        input: String,
        what: String,
    },
    /// A `for_each` over what is no list.
    NotAList {
        step: StepId,
        expr: String,
    },
    TooMany {
        calls: usize,
    },
    /// An expression fails.
    Broken {
        step: Option<StepId>,
        why: ExprError,
    },
    /// The tool is not connected, or cannot do that: the config is another than the playbook was checked against.
    UnknownTool {
        step: StepId,
        uses: Uses,
    },
}

impl PlanRefusal {
    /// Its word in the journal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotForThisAlert { .. } => "not_for_this_alert",
            Self::Missing { .. } => "missing",
            Self::NotOneOfTheChoices { .. } => "not_one_of_the_choices",
            Self::WrongAnswer { .. } => "wrong_answer",
            Self::NotAsked { .. } => "not_asked",
            Self::Undefined { .. } => "undefined",
            Self::Unfit { .. } => "unfit",
            Self::NotAList { .. } => "not_a_list",
            Self::TooMany { .. } => "too_many",
            Self::Broken { .. } => "broken",
            Self::UnknownTool { .. } => "unknown_tool",
        }
    }

    /// Where it lies: the question or the step, and its input; names of the playbook's, never a value.
    pub fn at(&self) -> Option<String> {
        match self {
            Self::Missing { ask, .. }
            | Self::NotOneOfTheChoices { ask, .. }
            | Self::WrongAnswer { ask, .. } => Some(ask.clone()),
            Self::Undefined { step, input, .. } | Self::Unfit { step, input, .. } => {
                Some(format!("{step}.{input}"))
            }
            Self::NotAList { step, .. } | Self::UnknownTool { step, .. } => Some(step.to_string()),
            Self::Broken { step, .. } => step.as_ref().map(ToString::to_string),
            // What nobody asks is somebody's own word.
            Self::NotForThisAlert { .. } | Self::NotAsked { .. } | Self::TooMany { .. } => None,
        }
    }

    pub(super) fn broken_when(why: ExprError) -> Self {
        Self::Broken { step: None, why }
    }
}

impl fmt::Display for PlanRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotForThisAlert { when } => {
                write!(f, "It is not for this alert: `{when}` does not hold.")
            }
            Self::Missing { ask, label } => write!(f, "{label} (`{ask}`) is wanted."),
            Self::NotOneOfTheChoices { ask, choices, .. } if choices.is_empty() => {
                write!(f, "There is nothing to choose from for `{ask}`: the alert names none.")
            }
            Self::NotOneOfTheChoices { ask, said, choices } => {
                write!(f, "`{said}` is no choice for `{ask}`: it can be {}.", choices.join(", "))
            }
            Self::WrongAnswer { ask, wants } => write!(f, "`{ask}` wants {wants}."),
            Self::NotAsked { name } => write!(f, "It does not ask for `{name}`."),
            Self::Undefined { step, input, expr } => write!(
                f,
                "The step `{step}` would lack `{input}`: `{expr}` is missing in this alert. Nothing was done."
            ),
            Self::Unfit { step, input, what } => {
                write!(f, "The step `{step}` cannot be done: `{input}` {what}. Nothing was done.")
            }
            Self::NotAList { step, expr } => {
                write!(
                    f,
                    "The step `{step}` cannot go through `{expr}`: for this alert it is no list."
                )
            }
            Self::TooMany { calls } => write!(
                f,
                "It would make more than {calls} calls at once. Choose fewer, or split it."
            ),
            Self::Broken { step: Some(step), why } => {
                write!(f, "The step `{step}` cannot be planned: {why}.")
            }
            Self::Broken { step: None, why } => write!(f, "Its `when` cannot be evaluated: {why}."),
            Self::UnknownTool { step, uses } => write!(
                f,
                "The step `{step}` uses `{uses}`, which is not connected: see `vigie check`."
            ),
        }
    }
}
impl std::error::Error for PlanRefusal {}
