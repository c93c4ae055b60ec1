//! The one expression language (MiniJinja): bare expressions and `{{ … }}` templates, compiled once, fuel-limited.
//!
//! Only our own files are ever compiled. Alert text is a value that expressions see, never a template.

use minijinja::{Environment, Expression, UndefinedBehavior, Value};
use std::fmt;
use std::sync::{Arc, LazyLock};

/// Steps of the interpreter that one evaluation may take; a mapping of a large payload takes a few thousand.
const FUEL: u64 = 200_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_fuel(Some(FUEL));
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment
});

/// A compiled expression with its text.
#[derive(Clone)]
pub struct Expr {
    text: Arc<str>,
    compiled: Arc<Expression<'static, 'static>>,
}

/// Why a text is no expression, or why its evaluation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExprError(pub String);

impl fmt::Display for ExprError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for ExprError {}

impl Expr {
    /// Compiles a bare expression such as `alert.severity == 'critical'`.
    pub fn compile(text: &str) -> Result<Self, ExprError> {
        let compiled = ENVIRONMENT.compile_expression_owned(text.to_owned()).map_err(explain)?;
        Ok(Self { text: text.into(), compiled: Arc::new(compiled) })
    }

    /// The value it has for `context`; a missing value is undefined, not an error.
    pub fn value(&self, context: &Value) -> Result<Value, ExprError> {
        self.compiled.eval(context).map_err(explain)
    }

    /// Whether it holds for `context`.
    pub fn holds(&self, context: &Value) -> Result<bool, ExprError> {
        self.value(context).map(|value| value.is_true())
    }

    /// The names it reads that it does not define, with their path: `alert.severity`.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.compiled.undeclared_variables(true).into_iter().collect();
        names.sort();
        names
    }

    /// Its text, as written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expr({:?})", self.text)
    }
}

fn explain(error: minijinja::Error) -> ExprError {
    let mut text = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    if let Some(range) = error.range() {
        text.push_str(&format!(" (at character {})", range.start + 1));
    }
    ExprError(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    #[test]
    fn a_missing_name_chains_and_is_false() {
        let expr =
            Expr::compile("alert.extra.deep == 'x' or alert.severity == 'high'").expect("compiles");
        assert!(
            expr.holds(&context! { alert => context! { severity => "high" } }).expect("evaluates")
        );
        assert!(
            !expr.holds(&context! { alert => context! { severity => "low" } }).expect("evaluates")
        );
        assert_eq!(expr.names(), ["alert.extra.deep", "alert.severity"]);
    }

    #[test]
    fn a_bad_text_says_where() {
        let error = Expr::compile("alert.severity == ").expect_err("half an expression");
        assert!(!error.to_string().is_empty());
    }

    #[test]
    fn fuel_stops_what_would_not_end() {
        let expr = Expr::compile("range(10000)|map('string')|join|length + range(10000)|sum")
            .expect("compiles");
        let _ = expr.value(&context! {});
    }
}
