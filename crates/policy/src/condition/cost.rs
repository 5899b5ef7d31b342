//! What the loops of a condition may cost.
//!
//! Every macro's range is wrapped so that it pays for its elements before the
//! first is looked at: `range` becomes `@steps(size(range), kind) ? range :
//! range`. The macro's own shape stays as it was, since the evaluator knows
//! `all`, `exists`, `map` and `filter` by their shape.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cel::common::ast::{
    CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators,
};
use cel::{Context, ExecutionError};

use super::ConditionError;
use super::value::Extent;

/// The budget of one evaluation.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    budget: u64,
    spent: Arc<AtomicU64>,
    extent: Extent,
}

impl Meter {
    pub(super) fn new(extent: Extent, budget: u64) -> Self {
        Self {
            budget,
            spent: Arc::default(),
            extent,
        }
    }

    pub(super) fn budget(&self) -> u64 {
        self.budget
    }

    pub(super) fn exhausted(&self) -> bool {
        self.spent.load(Ordering::Relaxed) > self.budget
    }

    pub(super) fn install(&self, context: &mut Context<'_, '_>) -> Result<(), ConditionError> {
        let meter = self.clone();
        context
            .add_function(STEPS, move |elements: i64, kind: i64| {
                meter.pay(elements, kind)
            })
            .map_err(|e| ConditionError::Evaluation(e.to_string()))
    }

    fn pay(&self, elements: i64, kind: i64) -> Result<bool, ExecutionError> {
        let elements = u64::try_from(elements).unwrap_or(0);
        let price = elements.saturating_mul(self.price(kind)).saturating_add(1);
        let spent = self.spent.load(Ordering::Relaxed).saturating_add(price);
        self.spent.store(spent, Ordering::Relaxed);
        if spent > self.budget {
            return Err(ExecutionError::function_error("loop", "too many steps"));
        }
        Ok(true)
    }

    /// The price of one element, by what is done with it.
    fn price(&self, kind: i64) -> u64 {
        let mut price = 1;
        if kind & SEARCHES != 0 {
            price += length(self.extent.longest_list) / 8;
        }
        if kind & READS != 0 {
            price += length(self.extent.longest_text) / 256;
        }
        if kind & MATCHES != 0 {
            price += 100 + length(self.extent.longest_text) / 64;
        }
        price
    }
}

fn length(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX / 1024)
}

/// The expression, with every loop paying.
pub(super) fn metered(at: &IdedExpr) -> IdedExpr {
    let each = |list: &[IdedExpr]| list.iter().map(metered).collect::<Vec<_>>();
    let expr = match &at.expr {
        Expr::Call(call) => Expr::Call(CallExpr {
            func_name: call.func_name.clone(),
            target: call.target.as_deref().map(|t| Box::new(metered(t))),
            args: each(&call.args),
        }),
        Expr::Comprehension(each) => Expr::Comprehension(Box::new(metered_loop(each))),
        Expr::List(list) => {
            let mut list = list.clone();
            list.elements = each(&list.elements);
            Expr::List(list)
        }
        Expr::Map(map) => {
            let mut map = map.clone();
            for entry in &mut map.entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    entry.key = metered(&entry.key);
                    entry.value = metered(&entry.value);
                }
            }
            Expr::Map(map)
        }
        Expr::Select(select) => {
            let mut select = select.clone();
            select.operand = Box::new(metered(&select.operand));
            Expr::Select(select)
        }
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => at.expr.clone(),
    };
    IdedExpr { id: at.id, expr }
}

fn metered_loop(each: &ComprehensionExpr) -> ComprehensionExpr {
    let range = metered(&each.iter_range);
    let id = range.id;
    let node = |expr| IdedExpr { id, expr };
    let call = |name: &str, args| {
        node(Expr::Call(CallExpr {
            func_name: name.to_owned(),
            target: None,
            args,
        }))
    };
    let kind = kind(&each.loop_cond) | kind(&each.loop_step);
    let kind = node(Expr::Literal(LiteralValue::Int(kind.into())));
    let size = call("size", vec![range.clone()]);
    let paid = call(STEPS, vec![size, kind]);
    ComprehensionExpr {
        iter_range: call(operators::CONDITIONAL, vec![paid, range.clone(), range]),
        loop_cond: metered(&each.loop_cond),
        loop_step: metered(&each.loop_step),
        result: metered(&each.result),
        ..each.clone()
    }
}

/// What is done with each element, apart from inner loops, which pay themselves.
fn kind(at: &IdedExpr) -> i64 {
    let literal = |e: &IdedExpr| matches!(e.expr, Expr::Literal(_) | Expr::List(_));
    match &at.expr {
        Expr::Call(call) => {
            let parts = call.target.as_deref().into_iter().chain(&call.args);
            let inner = parts.fold(0, |all, part| all | kind(part));
            let own = match call.func_name.as_str() {
                operators::EQUALS | operators::NOT_EQUALS if call.args.iter().any(literal) => 0,
                operators::IN if call.args.get(1).is_some_and(literal) => 0,
                operators::EQUALS | operators::NOT_EQUALS | operators::IN | operators::ADD => {
                    SEARCHES | READS
                }
                "contains" | "size" | "string" | "bytes" | "timestamp" | "duration" => READS,
                "matches" => MATCHES,
                _ => 0,
            };
            inner | own
        }
        Expr::Comprehension(each) => kind(&each.iter_range),
        Expr::List(list) => list.elements.iter().fold(0, |all, e| all | kind(e)),
        Expr::Map(map) => map.entries.iter().fold(0, |all, e| match &e.expr {
            EntryExpr::MapEntry(entry) => all | kind(&entry.key) | kind(&entry.value),
            EntryExpr::StructField(_) => all,
        }),
        Expr::Select(select) => kind(&select.operand),
        Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => 0,
    }
}

/// Cannot be written in CEL.
const STEPS: &str = "@steps";
/// It goes through a list.
const SEARCHES: i64 = 1;
/// It goes through a text.
const READS: i64 = 2;
/// It compiles a regular expression and goes through a text.
const MATCHES: i64 = 4;
