//! Conditions in CEL, with types and limits of our own: the crate has none.
//!
//! A condition is written by the operator, and looks at what somebody signed.
//! It is checked when the policy loads: unknown names and functions, wrong
//! types, constants and too deep macros are refused there. When it is
//! evaluated, its loops draw on a budget, and whatever is not `true` is not
//! satisfied: a missing field is an error with a reason, never a yes.

mod cost;
mod expression;
mod nesting;
mod shape;
mod value;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::common::ast::IdedExpr;
use cel::{Context, Env, Value};

use crate::limits;

/// A condition that compiled: known names only, and bounded in cost.
#[derive(Clone, Debug)]
pub struct Condition {
    source: String,
    /// The expression, with its loops metered.
    expression: Arc<IdedExpr>,
}

/// What a condition may speak of.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct Input<'a> {
    /// The predicate of the attestation, in JSON; `null` where it has none.
    pub predicate: &'a str,
    /// Its type.
    pub predicate_type: &'a str,
    /// The digest that it is about.
    pub subject: &'a str,
    /// The fully qualified image.
    pub image: &'a str,
}

impl Condition {
    /// Compiles a condition.
    ///
    /// # Errors
    /// [`ConditionError`] with what is wrong.
    pub fn compile(source: &str) -> Result<Self, ConditionError> {
        Self::compile_over(source, &shape::ATTESTATION)
    }

    /// Compiles a condition on one `component` of an SBOM.
    ///
    /// # Errors
    /// [`ConditionError`] with what is wrong.
    pub(crate) fn compile_for_component(source: &str) -> Result<Self, ConditionError> {
        Self::compile_over(source, &shape::COMPONENT)
    }

    fn compile_over(source: &str, scope: &'static shape::Scope) -> Result<Self, ConditionError> {
        if source.len() > limits::CONDITION_CHARS {
            return Err(ConditionError::TooLong);
        }
        if source.trim().is_empty() {
            return Err(ConditionError::Constant("it is empty".to_owned()));
        }
        if nesting::depth(source) > usize::from(limits::CONDITION_NESTING) {
            return Err(ConditionError::TooNested);
        }
        let parse = || {
            ENV.parser()
                .max_recursion_depth(limits::CONDITION_NESTING)
                .parse(source)
        };
        // A panic of the parser is a refusal too.
        let expression = match catch_unwind(parse) {
            Ok(Ok(expression)) => expression,
            Ok(Err(errors)) => return Err(syntax(&errors)),
            Err(_) => return Err(ConditionError::Syntax("the parser gave up".to_owned())),
        };
        shape::check(&expression, scope)?;
        let expression = Arc::new(cost::metered(&expression));
        Ok(Self {
            source: source.to_owned(),
            expression,
        })
    }

    /// The text that it was compiled from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Evaluates the condition. `input` is signed by somebody, and still untrusted.
    ///
    /// # Errors
    /// [`ConditionError`] where it has no truth value: that is never "true".
    pub fn holds(&self, input: &Input<'_>) -> Result<bool, ConditionError> {
        // The evaluator has panics for expressions that the parser does not
        // make; were there another, it is a condition without a truth value.
        catch_unwind(AssertUnwindSafe(|| self.evaluate(input)))
            .unwrap_or_else(|_| Err(ConditionError::Evaluation("the evaluator gave up".into())))
    }

    /// The place of the first of `components`, a JSON list (untrusted), for which
    /// the condition holds.
    ///
    /// # Errors
    /// [`ConditionError`] where it has no truth value for one of them: that is
    /// never "none".
    pub(crate) fn first_component(
        &self,
        components: &str,
    ) -> Result<Option<usize>, ConditionError> {
        catch_unwind(AssertUnwindSafe(|| self.search(components)))
            .unwrap_or_else(|_| Err(ConditionError::Evaluation("the evaluator gave up".into())))
    }

    fn search(&self, components: &str) -> Result<Option<usize>, ConditionError> {
        let (components, extent) = value::parse(components)?;
        let Value::List(components) = components else {
            return Err(ConditionError::Predicate("it is not a list".to_owned()));
        };
        let mut context = Context::with_env(Arc::clone(&ENV));
        let meter = cost::Meter::new(extent, limits::COMPONENT_STEPS);
        meter.install(&mut context)?;
        for (at, component) in components.iter().enumerate() {
            context.add_variable_from_value("component", component.clone());
            if self.truth(&context, &meter)? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn evaluate(&self, input: &Input<'_>) -> Result<bool, ConditionError> {
        let (predicate, extent) = value::parse(input.predicate)?;
        let mut context = Context::with_env(Arc::clone(&ENV));
        context.add_variable_from_value("predicate", predicate);
        context.add_variable_from_value("predicateType", input.predicate_type);
        context.add_variable_from_value("subject", input.subject);
        context.add_variable_from_value("image", input.image);
        let meter = cost::Meter::new(extent, limits::CONDITION_STEPS);
        meter.install(&mut context)?;
        self.truth(&context, &meter)
    }

    fn truth(
        &self,
        context: &Context<'_, '_>,
        meter: &cost::Meter,
    ) -> Result<bool, ConditionError> {
        let outcome = Value::resolve(&self.expression, context);
        // An exhausted budget may be swallowed by `||`: it is asked for itself.
        if meter.exhausted() {
            return Err(ConditionError::TooCostly(meter.budget()));
        }
        match outcome {
            Ok(Value::Bool(truth)) => Ok(truth),
            Ok(other) => Err(ConditionError::NotTruth(other.type_of().to_string())),
            Err(error) => Err(ConditionError::Evaluation(one_line(&error.to_string()))),
        }
    }
}

fn syntax(errors: &cel::ParseErrors) -> ConditionError {
    let Some(first) = errors.errors.first() else {
        return ConditionError::Syntax(one_line(&errors.to_string()));
    };
    let (line, column) = first.pos;
    let what = first
        .msg
        .strip_prefix("Syntax error: ")
        .unwrap_or(&first.msg);
    ConditionError::Syntax(one_line(&format!("{what} (line {line}, column {column})")))
}

fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    crate::escaped(&words.join(" "))
}

/// Why a condition does not compile or has no truth value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConditionError {
    /// It looks at nothing that was signed, or a part of it decides nothing.
    #[error("{0}")]
    Constant(String),
    /// A field is missing, a type is wrong.
    #[error("it has no truth value: {0}")]
    Evaluation(String),
    /// The pattern of `matches` is not one that can be checked at load.
    #[error("the pattern of `matches`: {0}")]
    Expression(String),
    /// It gave something other than true or false.
    #[error("it gives a value of type {0}, not true or false")]
    NotTruth(String),
    /// The predicate cannot be read.
    #[error("the predicate: {0}")]
    Predicate(String),
    /// It does not parse.
    #[error("not CEL: {0}")]
    Syntax(String),
    /// It would take too many steps on this predicate.
    #[error("its loops take more than {0} steps on this predicate")]
    TooCostly(u64),
    /// Its macros are nested too deeply.
    #[error(
        "its macros are nested or chained deeper than {}",
        limits::CONDITION_LOOPS
    )]
    TooDeep,
    /// The predicate is too large.
    #[error("the predicate has more than {} values", limits::PREDICATE_VALUES)]
    TooLarge,
    /// It is nested too deeply.
    #[error(
        "it is nested too deeply: at most {} brackets and {} operators inside of each other",
        limits::CONDITION_NESTING,
        limits::CONDITION_DEPTH
    )]
    TooNested,
    /// Its text is too long.
    #[error("it is longer than {} characters", limits::CONDITION_CHARS)]
    TooLong,
    /// It has too many parts.
    #[error("it has more than {} parts", limits::CONDITION_PARTS)]
    TooManyParts,
    /// It puts together what does not go together.
    #[error("{0}")]
    Type(String),
    /// It calls a function that there is not.
    #[error("there is no function `{0}`")]
    UnknownFunction(String),
    /// It asks for something that a component does not have.
    #[error("a component has no `{name}` (it has: {there})")]
    UnknownField {
        /// What it asks for.
        name: String,
        /// What there is.
        there: String,
    },
    /// It names something that there is not.
    #[error("there is no `{name}` (there are: {})", there.join(", "))]
    UnknownName {
        /// The name.
        name: String,
        /// The names that there are.
        there: &'static [&'static str],
    },
}

/// The functions are the same for every condition.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    // Were the name taken, `matches` would be the evaluator's, and a test would say so.
    let _ = expression::install(&mut env);
    Arc::new(env)
});

#[cfg(test)]
mod tests;
