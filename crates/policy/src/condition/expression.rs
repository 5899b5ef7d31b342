//! `matches`: regular expressions with a limit on what they grow to.
//!
//! The evaluator's own `matches` has no such limit and knows every table of
//! Unicode, which each start of the program would pay for.

use cel::common::types::{CelBool, CelString};
use cel::{Env, ExecutionError};
use regex::{Regex, RegexBuilder};

use super::ConditionError;

/// Compiles an expression, which may look for a match anywhere in a text.
pub(super) fn compile(text: &str) -> Result<Regex, ConditionError> {
    RegexBuilder::new(text)
        .size_limit(COMPILED_BYTES)
        .build()
        .map_err(|error| {
            let error = error.to_string();
            let last = error.lines().last().unwrap_or_default().trim();
            ConditionError::Expression(crate::escaped(last))
        })
}

/// Makes `matches` known, as a function and as a method of text.
#[expect(
    elided_lifetimes_in_paths,
    reason = "the macros name types without theirs"
)]
pub(super) fn install(env: &mut Env) -> Result<(), cel::DeclarationError> {
    cel::add_overload!(env, fn matches: (CelString, CelString) -> Result<CelBool>, id = "matches")?;
    cel::add_member_overload!(env, fn matches: (CelString, CelString) -> Result<CelBool>)
}

fn matches(text: &CelString<'_>, expression: &CelString<'_>) -> Result<CelBool, ExecutionError> {
    let compiled = compile(expression.inner()).map_err(|error| ExecutionError::FunctionError {
        function: "matches".to_owned(),
        message: error.to_string(),
    })?;
    Ok(CelBool::from(compiled.is_match(text.inner())))
}

const COMPILED_BYTES: usize = 256 * 1024;
