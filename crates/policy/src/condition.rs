//! Conditions in CEL, with limits of our own: the crate has none.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cel::common::ast::{EntryExpr, Expr, IdedExpr};
use cel::{Context, Env, Program, Value};
use serde_json::Value as Json;

/// A condition that compiled: known names only, and bounded in cost.
#[derive(Clone, Debug)]
pub struct Condition {
    source: String,
    program: Arc<Program>,
    shape: Shape,
}

/// What a condition may speak of.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "complete: callers make it")]
pub struct Input<'a> {
    /// The predicate of the attestation; null where it has none.
    pub predicate: &'a Json,
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
        if source.len() > LONGEST {
            return Err(ConditionError::TooLong);
        }
        let compiled = catch_unwind(|| Program::compile(source));
        let program = match compiled {
            Ok(Ok(program)) => program,
            Ok(Err(errors)) => {
                let text = errors.to_string();
                return Err(ConditionError::Syntax(one_line(&text)));
            }
            Err(_) => return Err(ConditionError::Syntax("the parser gave up".to_owned())),
        };
        let mut shape = Shape::default();
        shape.walk(program.expression(), 0, &mut Vec::new())?;
        if !shape.reads_input {
            return Err(ConditionError::Constant);
        }
        Ok(Self {
            source: source.to_owned(),
            program: Arc::new(program),
            shape,
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
        self.affordable(input.predicate)?;
        let evaluated = catch_unwind(AssertUnwindSafe(|| self.evaluate(input)));
        evaluated
            .unwrap_or_else(|_| Err(ConditionError::Evaluation("the evaluator gave up".into())))
    }

    fn evaluate(&self, input: &Input<'_>) -> Result<bool, ConditionError> {
        let env = Arc::new(Env::stdlib());
        let mut context = Context::with_env(env);
        let mut add = |name: &str, value: Json| {
            context
                .add_variable(name, value)
                .map_err(|e| ConditionError::Evaluation(one_line(&e.to_string())))
        };
        add("predicate", input.predicate.clone())?;
        add("predicateType", Json::from(input.predicate_type))?;
        add("subject", Json::from(input.subject))?;
        add("image", Json::from(input.image))?;
        match self.program.execute(&context) {
            Ok(Value::Bool(truth)) => Ok(truth),
            Ok(other) => Err(ConditionError::NotTruth(other.type_of().to_string())),
            Err(error) => Err(ConditionError::Evaluation(one_line(&error.to_string()))),
        }
    }

    /// The steps of nested loops are at most the longest list to the power of
    /// the nesting; more than the budget is refused before the first step.
    fn affordable(&self, predicate: &Json) -> Result<(), ConditionError> {
        let (longest, total) = extent(predicate);
        if total > MOST_VALUES {
            return Err(ConditionError::TooLarge { values: total });
        }
        let longest = longest.max(self.shape.nodes);
        let steps = u64::try_from(longest)
            .unwrap_or(u64::MAX)
            .saturating_pow(self.shape.loops)
            .saturating_mul(u64::try_from(self.shape.nodes).unwrap_or(u64::MAX));
        if self.shape.loops > 0 && steps > MOST_STEPS {
            return Err(ConditionError::TooCostly { steps });
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Shape {
    nodes: usize,
    loops: u32,
    reads_input: bool,
}

impl Shape {
    fn walk(
        &mut self,
        at: &IdedExpr,
        loops: u32,
        bound: &mut Vec<String>,
    ) -> Result<(), ConditionError> {
        self.nodes += 1;
        self.loops = self.loops.max(loops);
        if self.nodes > MOST_NODES {
            return Err(ConditionError::TooManyNodes);
        }
        if loops > MOST_LOOPS {
            return Err(ConditionError::TooDeep);
        }
        match &at.expr {
            Expr::Ident(name) => self.name(name, bound)?,
            Expr::Select(select) => self.walk(&select.operand, loops, bound)?,
            Expr::Call(call) => {
                if !FUNCTIONS.contains(&call.func_name.as_str()) {
                    return Err(ConditionError::UnknownFunction(call.func_name.clone()));
                }
                for part in call.target.as_deref().into_iter().chain(&call.args) {
                    self.walk(part, loops, bound)?;
                }
            }
            Expr::List(list) => {
                for element in &list.elements {
                    self.walk(element, loops, bound)?;
                }
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    match &entry.expr {
                        EntryExpr::MapEntry(entry) => {
                            self.walk(&entry.key, loops, bound)?;
                            self.walk(&entry.value, loops, bound)?;
                        }
                        EntryExpr::StructField(field) => self.walk(&field.value, loops, bound)?,
                    }
                }
            }
            Expr::Comprehension(each) => {
                self.walk(&each.iter_range, loops, bound)?;
                self.walk(&each.accu_init, loops, bound)?;
                let outer = bound.len();
                bound.extend([each.iter_var.clone(), each.accu_var.clone()]);
                bound.extend(each.iter_var2.clone());
                for part in [&each.loop_cond, &each.loop_step, &each.result] {
                    self.walk(part, loops + 1, bound)?;
                }
                bound.truncate(outer);
            }
            Expr::Struct(message) => {
                return Err(ConditionError::UnknownName(message.type_name.clone()));
            }
            Expr::Literal(_) | Expr::Unspecified => {}
        }
        Ok(())
    }

    fn name(&mut self, name: &str, bound: &[String]) -> Result<(), ConditionError> {
        if bound.iter().any(|b| b == name) {
            return Ok(());
        }
        if VARIABLES.contains(&name) {
            self.reads_input = true;
            return Ok(());
        }
        Err(ConditionError::UnknownName(name.to_owned()))
    }
}

/// The length of the longest list or object, and the number of all values.
fn extent(value: &Json) -> (usize, usize) {
    let (mut longest, mut total) = (0, 0);
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        total += 1;
        match value {
            Json::Array(items) => {
                longest = longest.max(items.len());
                open.extend(items);
            }
            Json::Object(members) => {
                longest = longest.max(members.len());
                open.extend(members.values());
            }
            _ => {}
        }
    }
    (longest, total)
}

fn one_line(text: &str) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    crate::escaped(&line)
}

/// Why a condition does not compile or has no truth value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConditionError {
    /// It looks at nothing that was signed.
    #[error("it does not look at `predicate`, `predicateType`, `subject` or `image`")]
    Constant,
    /// A field is missing, a type is wrong.
    #[error("it has no truth value: {0}")]
    Evaluation(String),
    /// It gave something other than true or false.
    #[error("it gives a value of type {0}, not true or false")]
    NotTruth(String),
    /// It does not parse.
    #[error("not CEL: {0}")]
    Syntax(String),
    /// It would take too many steps on this predicate.
    #[error("it would take up to {steps} steps on this predicate; {MOST_STEPS} are allowed")]
    TooCostly {
        /// The bound on the steps.
        steps: u64,
    },
    /// Its loops are nested too deeply.
    #[error("its loops are nested deeper than {MOST_LOOPS}")]
    TooDeep,
    /// The predicate is too large.
    #[error("the predicate has {values} values; {MOST_VALUES} are allowed for a condition")]
    TooLarge {
        /// How many it has.
        values: usize,
    },
    /// Its text is too long.
    #[error("it is longer than {LONGEST} characters")]
    TooLong,
    /// It has too many parts.
    #[error("it has more than {MOST_NODES} parts")]
    TooManyNodes,
    /// It calls a function that there is not.
    #[error("there is no function `{0}`")]
    UnknownFunction(String),
    /// It names something that there is not.
    #[error("there is no `{0}` (there are: predicate, predicateType, subject, image)")]
    UnknownName(String),
}

const VARIABLES: [&str; 4] = ["predicate", "predicateType", "subject", "image"];
const FUNCTIONS: [&str; 37] = [
    "_?_:_",
    "_&&_",
    "_||_",
    "!_",
    "_-_",
    "_+_",
    "_*_",
    "_/_",
    "_%_",
    "_==_",
    "_!=_",
    "_>=_",
    "_<=_",
    "_>_",
    "_<_",
    "-_",
    "_[_]",
    "@not_strictly_false",
    "@in",
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "string",
    "int",
    "uint",
    "double",
    "bool",
    "bytes",
    "type",
    "duration",
    "timestamp",
    "min",
    "max",
    "getFullYear",
    "dyn",
];
const LONGEST: usize = 4096;
const MOST_NODES: usize = 500;
const MOST_LOOPS: u32 = 3;
const MOST_VALUES: usize = 1_000_000;
const MOST_STEPS: u64 = 50_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn holds(source: &str, predicate: &Json) -> Result<bool, ConditionError> {
        let input = Input {
            predicate,
            predicate_type: "https://slsa.dev/provenance/v1",
            subject: "sha256:00",
            image: "r.io/a:1",
        };
        Condition::compile(source)?.holds(&input)
    }

    #[test]
    fn reads_the_predicate() {
        let predicate = json!({
            "runDetails": { "builder": { "id": "https://b/x" } }, "n": 2, "l": [{ "s": "low" }],
        });
        let yes = [
            r#"predicate.runDetails.builder.id.startsWith("https://b/")"#,
            "predicate.n >= 2 && image.startsWith('r.io/')",
            "predicate.l.all(v, v.s == 'low')",
            "!predicate.l.exists(v, v.s == 'high')",
            "has(predicate.n) && !has(predicate.m)",
            "predicate.l[0].s.matches('^l.w$')",
        ];
        for source in yes {
            assert_eq!(holds(source, &predicate), Ok(true), "{source}");
        }
        assert_eq!(holds("predicate.n > 2", &predicate), Ok(false));
    }

    #[test]
    fn what_is_missing_is_not_true() {
        let missing = holds("predicate.a.b == 1", &json!({}));
        assert!(
            matches!(missing, Err(ConditionError::Evaluation(_))),
            "{missing:?}"
        );
        let wrong = holds("predicate.n", &json!({ "n": 1 }));
        assert!(
            matches!(wrong, Err(ConditionError::NotTruth(_))),
            "{wrong:?}"
        );
    }

    #[test]
    fn refuses_at_load() {
        let why = |s: &str| Condition::compile(s).map(|_| ()).unwrap_err();
        assert_eq!(why("true"), ConditionError::Constant);
        assert_eq!(
            why("predicat.x"),
            ConditionError::UnknownName("predicat".into())
        );
        assert_eq!(
            why("fetch(predicate)"),
            ConditionError::UnknownFunction("fetch".into())
        );
        assert_eq!(why(&"a".repeat(5000)), ConditionError::TooLong);
        assert!(matches!(why("predicate."), ConditionError::Syntax(_)));
        let deep = "predicate.all(a, a.all(b, b.all(c, c.all(d, d))))";
        assert_eq!(why(deep), ConditionError::TooDeep);
    }

    #[test]
    fn refuses_a_bomb_before_the_first_step() {
        let list: Vec<u32> = (0..10_000).collect();
        let cubed = "predicate.all(a, predicate.all(b, predicate.all(c, a + b + c >= 0)))";
        let verdict = holds(cubed, &json!(list));
        assert!(
            matches!(verdict, Err(ConditionError::TooCostly { .. })),
            "{verdict:?}"
        );
    }
}
