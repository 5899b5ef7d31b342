//! What a condition is made of: known names, functions and types.

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators,
};

use super::{ConditionError, expression};
use crate::limits;

/// What a condition may speak of.
#[derive(Debug)]
pub(super) struct Scope {
    names: &'static [&'static str],
    /// The names in words.
    words: &'static str,
}

/// An attestation.
pub(super) static ATTESTATION: Scope = Scope {
    names: &["predicate", "predicateType", "subject", "image"],
    words: "`predicate`, `predicateType`, `subject` or `image`",
};

/// A component of an SBOM.
pub(super) static COMPONENT: Scope = Scope {
    names: &["component"],
    words: "`component`",
};

/// What a component is described by. All of it is always there.
const COMPONENT_FIELDS: [(&str, Type); 6] = [
    ("name", Type::Text),
    ("version", Type::Text),
    ("purl", Type::Text),
    ("ecosystem", Type::Text),
    ("supplier", Type::Text),
    ("licenses", Type::List),
];

/// The type of a field of a component.
fn of_component(field: &str) -> Result<Type, ConditionError> {
    let mut fields = COMPONENT_FIELDS.iter();
    let found = fields.find(|(name, _)| *name == field);
    found.map(|(_, known)| *known).ok_or_else(|| {
        let there: Vec<&str> = COMPONENT_FIELDS.iter().map(|(name, _)| *name).collect();
        ConditionError::UnknownField {
            name: crate::escaped(field),
            there: there.join(", "),
        }
    })
}

/// Checks the whole of a condition.
pub(super) fn check(root: &IdedExpr, scope: &'static Scope) -> Result<(), ConditionError> {
    let mut shape = Shape {
        scope,
        parts: 0,
        depth: 0,
        reads_input: false,
        bound: Vec::new(),
    };
    let found = shape.walk(root, 0)?;
    if !found.may_be(Type::Bool) {
        return Err(ConditionError::NotTruth(found.name().to_owned()));
    }
    if !shape.reads_input {
        return Err(ConditionError::Constant(format!(
            "it does not look at {}",
            scope.words
        )));
    }
    Ok(())
}

/// A type, as far as it is known before there is a predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    /// Only the predicate will tell.
    Any,
    Bool,
    Bytes,
    /// A map with known fields.
    Component,
    Duration,
    List,
    Map,
    Null,
    Number,
    Text,
    Timestamp,
}

impl Type {
    fn may_be(self, other: Self) -> bool {
        let (one, other) = (self.widened(), other.widened());
        one == other || one == Self::Any || other == Self::Any
    }

    /// What the evaluator takes it for.
    fn widened(self) -> Self {
        match self {
            Self::Component => Self::Map,
            other => other,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Bool => "bool",
            Self::Bytes => "bytes",
            Self::Component => "component",
            Self::Duration => "duration",
            Self::List => "list",
            Self::Map => "map",
            Self::Null => "null",
            Self::Number => "number",
            Self::Text => "string",
            Self::Timestamp => "timestamp",
        }
    }
}

#[derive(Debug)]
struct Shape {
    scope: &'static Scope,
    parts: usize,
    depth: usize,
    reads_input: bool,
    /// The variables of the macros around, the innermost last.
    bound: Vec<(String, Type)>,
}

impl Shape {
    fn walk(&mut self, at: &IdedExpr, loops: u32) -> Result<Type, ConditionError> {
        self.parts += 1;
        if self.parts > limits::CONDITION_PARTS {
            return Err(ConditionError::TooManyParts);
        }
        if loops > limits::CONDITION_LOOPS {
            return Err(ConditionError::TooDeep);
        }
        if self.depth >= limits::CONDITION_DEPTH {
            return Err(ConditionError::TooNested);
        }
        self.depth += 1;
        let found = self.part(at, loops);
        self.depth -= 1;
        found
    }

    fn part(&mut self, at: &IdedExpr, loops: u32) -> Result<Type, ConditionError> {
        match &at.expr {
            Expr::Ident(name) => self.name(name),
            Expr::Literal(literal) => Ok(type_of(literal)),
            Expr::Select(select) => {
                let operand = self.walk(&select.operand, loops)?;
                need(&format!(".{}", select.field), operand, &[Type::Map])?;
                let found = match operand {
                    Type::Component => of_component(&select.field)?,
                    _ => Type::Any,
                };
                Ok(if select.test { Type::Bool } else { found })
            }
            Expr::Call(call) => self.call(call, loops),
            Expr::List(list) => {
                for element in &list.elements {
                    self.walk(element, loops)?;
                }
                Ok(Type::List)
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else {
                        return Err(ConditionError::Syntax("a message in a map".to_owned()));
                    };
                    self.walk(&entry.key, loops)?;
                    self.walk(&entry.value, loops)?;
                }
                Ok(Type::Map)
            }
            Expr::Comprehension(each) => self.each(each, loops),
            Expr::Struct(message) => Err(self.unknown(&message.type_name)),
            Expr::Unspecified => Err(ConditionError::Syntax("a part of it is missing".to_owned())),
        }
    }

    fn name(&mut self, name: &str) -> Result<Type, ConditionError> {
        if let Some((_, known)) = self.bound.iter().rev().find(|(n, _)| n == name) {
            return Ok(*known);
        }
        if !self.scope.names.contains(&name) {
            return Err(self.unknown(name));
        }
        let known = match name {
            "predicate" => Type::Any,
            "component" => Type::Component,
            _ => Type::Text,
        };
        self.reads_input = true;
        Ok(known)
    }

    fn unknown(&self, name: &str) -> ConditionError {
        ConditionError::UnknownName {
            name: name.to_owned(),
            there: self.scope.names,
        }
    }

    /// A macro counts as inside of the one that makes its range: what one makes
    /// large, the other goes through.
    fn each(&mut self, each: &ComprehensionExpr, loops: u32) -> Result<Type, ConditionError> {
        let range = self.walk(&each.iter_range, loops + 1)?;
        need("a macro", range, &[Type::List, Type::Map])?;
        let accumulated = self.walk(&each.accu_init, loops)?;
        let outer = self.bound.len();
        self.bound.push((each.iter_var.clone(), Type::Any));
        self.bound
            .extend(each.iter_var2.clone().map(|name| (name, Type::Any)));
        self.bound.push((each.accu_var.clone(), accumulated));
        self.walk(&each.loop_cond, loops + 1)?;
        self.walk(&each.loop_step, loops + 1)?;
        let result = self.walk(&each.result, loops + 1)?;
        self.bound.truncate(outer);
        Ok(result)
    }

    fn call(&mut self, call: &CallExpr, loops: u32) -> Result<Type, ConditionError> {
        let name = call.func_name.as_str();
        let target = match &call.target {
            Some(target) => Some(self.walk(target, loops)?),
            None => None,
        };
        let mut args = Vec::new();
        for arg in &call.args {
            args.push(self.walk(arg, loops)?);
        }
        match (target, args.as_slice()) {
            (None, [a]) => unary(name, *a),
            (None, [a, b]) if name == "matches" => matches(call.args.get(1), *a, *b),
            (None, [a, b]) => binary(call, name, *a, *b),
            (None, [a, b, c]) if name == operators::CONDITIONAL => {
                need("? :", *a, &[Type::Bool])?;
                Ok(if b == c { *b } else { Type::Any })
            }
            (Some(on), []) => member(name, on),
            (Some(on), [a]) if name == "matches" => matches(call.args.first(), on, *a),
            (Some(on), [a]) => match name {
                "contains" | "startsWith" | "endsWith" => {
                    need(name, on, &[Type::Text])?;
                    need(name, *a, &[Type::Text])?;
                    Ok(Type::Bool)
                }
                _ if PARTS_OF_TIME.contains(&name) => {
                    // A zone's rules change with the tables of a build; a
                    // verdict must not.
                    Err(ConditionError::Type(format!(
                        "`{name}` with a time zone: a condition reads time in UTC, so leave it out"
                    )))
                }
                _ => Err(unknown(name)),
            },
            _ => Err(unknown(name)),
        }
    }
}

fn unary(name: &str, a: Type) -> Result<Type, ConditionError> {
    let (allowed, gives): (&[Type], _) = match name {
        operators::LOGICAL_NOT | operators::NOT_STRICTLY_FALSE => (&[Type::Bool], Type::Bool),
        operators::NEGATE => (&[Type::Number, Type::Duration], a),
        "size" => (
            &[Type::Text, Type::Bytes, Type::List, Type::Map],
            Type::Number,
        ),
        "string" => (
            &[
                Type::Text,
                Type::Bytes,
                Type::Number,
                Type::Bool,
                Type::Timestamp,
                Type::Duration,
            ],
            Type::Text,
        ),
        "int" | "uint" | "double" => (&[Type::Text, Type::Number, Type::Timestamp], Type::Number),
        "bytes" => (&[Type::Text, Type::Bytes], Type::Bytes),
        "duration" => (&[Type::Text, Type::Duration], Type::Duration),
        "timestamp" => (
            &[Type::Text, Type::Number, Type::Timestamp],
            Type::Timestamp,
        ),
        _ => return Err(unknown(name)),
    };
    need(name, a, allowed)?;
    Ok(gives)
}

fn member(name: &str, on: Type) -> Result<Type, ConditionError> {
    if name == "size" {
        return unary(name, on);
    }
    if !PARTS_OF_TIME.contains(&name) {
        return Err(unknown(name));
    }
    need(name, on, &[Type::Timestamp, Type::Duration])?;
    Ok(Type::Number)
}

fn binary(call: &CallExpr, name: &str, a: Type, b: Type) -> Result<Type, ConditionError> {
    let both = |what: &str| {
        if a.may_be(b) {
            return Ok(());
        }
        Err(ConditionError::Type(format!(
            "`{what}` between a {} and a {}",
            a.name(),
            b.name()
        )))
    };
    match name {
        operators::LOGICAL_AND | operators::LOGICAL_OR => {
            let word = if name == operators::LOGICAL_AND {
                "&&"
            } else {
                "||"
            };
            need(word, a, &[Type::Bool])?;
            need(word, b, &[Type::Bool])?;
            let constant =
                |e: &&IdedExpr| matches!(e.expr, Expr::Literal(LiteralValue::Boolean(_)));
            if call.args.iter().any(|e| constant(&e)) {
                let why =
                    format!("a constant beside `{word}` or as the whole of a macro's condition");
                return Err(ConditionError::Constant(why));
            }
            Ok(Type::Bool)
        }
        operators::EQUALS | operators::NOT_EQUALS => {
            if a != Type::Null && b != Type::Null {
                both(name.trim_matches('_'))?;
            }
            Ok(Type::Bool)
        }
        operators::LESS
        | operators::LESS_EQUALS
        | operators::GREATER
        | operators::GREATER_EQUALS => {
            let ordered = [
                Type::Number,
                Type::Text,
                Type::Bytes,
                Type::Bool,
                Type::Timestamp,
                Type::Duration,
            ];
            need(name, a, &ordered)?;
            need(name, b, &ordered)?;
            both(name.trim_matches('_'))?;
            Ok(Type::Bool)
        }
        operators::IN => {
            need("in", b, &[Type::List, Type::Map])?;
            Ok(Type::Bool)
        }
        operators::INDEX => {
            need("[]", a, &[Type::List, Type::Map])?;
            match (a, call.args.get(1).map(|key| &key.expr)) {
                (Type::Component, Some(Expr::Literal(LiteralValue::String(field)))) => {
                    of_component(field.inner())
                }
                _ => Ok(Type::Any),
            }
        }
        operators::ADD | operators::SUBSTRACT => {
            let plain = [Type::Number, Type::Text, Type::Bytes, Type::List];
            let word = if name == operators::ADD { "+" } else { "-" };
            let allowed = if name == operators::ADD {
                &plain[..]
            } else {
                &plain[..1]
            };
            if matches!(a, Type::Timestamp | Type::Duration)
                || matches!(b, Type::Timestamp | Type::Duration)
            {
                return Ok(Type::Any);
            }
            need(word, a, allowed)?;
            need(word, b, allowed)?;
            both(word)?;
            Ok(if a == Type::Any { b } else { a })
        }
        operators::MULTIPLY | operators::DIVIDE | operators::MODULO => {
            need(name, a, &[Type::Number])?;
            need(name, b, &[Type::Number])?;
            Ok(Type::Number)
        }
        _ => Err(unknown(name)),
    }
}

/// A regular expression is written in the policy, so that it is known to be
/// one and to be small.
fn matches(pattern: Option<&IdedExpr>, on: Type, by: Type) -> Result<Type, ConditionError> {
    need("matches", on, &[Type::Text])?;
    need("matches", by, &[Type::Text])?;
    let refuse = |why: &str| Err(ConditionError::Expression(why.to_owned()));
    let Some(Expr::Literal(LiteralValue::String(text))) = pattern.map(|p| &p.expr) else {
        return refuse("it is not written out in the condition");
    };
    let text = text.inner();
    if text.len() > limits::CONDITION_EXPRESSION_CHARS {
        return refuse("it is too long");
    }
    expression::compile(text).map(|_| Type::Bool)
}

fn need(what: &str, found: Type, allowed: &[Type]) -> Result<(), ConditionError> {
    if found == Type::Any || allowed.contains(&found.widened()) {
        return Ok(());
    }
    let word = what.trim_matches(['_', '@']);
    Err(ConditionError::Type(format!(
        "`{word}` does not go with a {}",
        found.name()
    )))
}

fn unknown(name: &str) -> ConditionError {
    ConditionError::UnknownFunction(name.to_owned())
}

fn type_of(literal: &LiteralValue) -> Type {
    match literal {
        LiteralValue::Boolean(_) => Type::Bool,
        LiteralValue::Bytes(_) => Type::Bytes,
        LiteralValue::Double(_) | LiteralValue::Int(_) | LiteralValue::UInt(_) => Type::Number,
        LiteralValue::Null => Type::Null,
        LiteralValue::String(_) => Type::Text,
    }
}

const PARTS_OF_TIME: [&str; 10] = [
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
];
