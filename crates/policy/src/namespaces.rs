//! Which namespaces of a cluster a policy is for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The labels of a namespace.
pub type NamespaceLabels = BTreeMap<String, String>;

/// A selector of namespaces, as Kubernetes' label selectors are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamespaceSelector {
    labels: NamespaceLabels,
    expressions: Vec<Expression>,
}

/// One expression over the labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expression {
    In(String, BTreeSet<String>),
    NotIn(String, BTreeSet<String>),
    Exists(String),
    DoesNotExist(String),
}

impl NamespaceSelector {
    pub(crate) fn new(labels: NamespaceLabels, expressions: Vec<Expression>) -> Self {
        Self {
            labels,
            expressions,
        }
    }

    pub(crate) fn selects(&self, labels: &NamespaceLabels) -> bool {
        self.labels.iter().all(|(k, v)| labels.get(k) == Some(v))
            && self.expressions.iter().all(|e| e.holds(labels))
    }

    /// Whether a namespace of which only some labels are known may be selected:
    /// what is not known is taken to be as it is wanted.
    pub(crate) fn may_select(&self, known: &NamespaceLabels) -> bool {
        let fits = |(k, v)| known.get(k).is_none_or(|found| found == v);
        self.labels.iter().all(fits) && self.expressions.iter().all(|e| e.may_hold(known))
    }
}

impl Expression {
    /// > `NotIn` and `DoesNotExist` also select objects without the key.
    /// > — Kubernetes, "Labels and Selectors"
    fn holds(&self, labels: &NamespaceLabels) -> bool {
        match self {
            Self::In(key, values) => labels.get(key).is_some_and(|v| values.contains(v)),
            Self::NotIn(key, values) => labels.get(key).is_none_or(|v| !values.contains(v)),
            Self::Exists(key) => labels.contains_key(key),
            Self::DoesNotExist(key) => !labels.contains_key(key),
        }
    }

    fn may_hold(&self, known: &NamespaceLabels) -> bool {
        match self {
            Self::In(key, _) | Self::Exists(key) if !known.contains_key(key) => true,
            _ => self.holds(known),
        }
    }
}

impl fmt::Display for NamespaceSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = self.labels.iter().map(|(k, v)| format!("{k}={v}"));
        let parts: Vec<_> = labels
            .chain(self.expressions.iter().map(ToString::to_string))
            .collect();
        f.write_str(&parts.join(", "))
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(", ");
        match self {
            Self::In(key, values) => write!(f, "{key} in ({})", list(values)),
            Self::NotIn(key, values) => write!(f, "{key} not in ({})", list(values)),
            Self::Exists(key) => write!(f, "{key} there"),
            Self::DoesNotExist(key) => write!(f, "{key} not there"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_rules_out() {
        let known = NamespaceLabels::from([("tier".into(), "test".into())]);
        let wanted = NamespaceLabels::from([("tier".into(), "prod".into())]);
        assert!(!NamespaceSelector::new(wanted, Vec::new()).may_select(&known));
        let absent = vec![Expression::DoesNotExist("tier".into())];
        assert!(!NamespaceSelector::new(NamespaceLabels::new(), absent).may_select(&known));
    }

    #[test]
    fn selects_as_kubernetes_does() {
        let labels = NamespaceLabels::from([("tier".into(), "prod".into())]);
        let set = |v: &[&str]| v.iter().map(|s| (*s).to_owned()).collect::<BTreeSet<_>>();
        let table = [
            (Expression::In("tier".into(), set(&["prod", "test"])), true),
            (Expression::In("tier".into(), set(&["test"])), false),
            (Expression::In("team".into(), set(&["a"])), false),
            (Expression::NotIn("tier".into(), set(&["prod"])), false),
            (Expression::NotIn("team".into(), set(&["a"])), true),
            (Expression::Exists("tier".into()), true),
            (Expression::Exists("team".into()), false),
            (Expression::DoesNotExist("team".into()), true),
            (Expression::DoesNotExist("tier".into()), false),
        ];
        for (expression, wanted) in table {
            let selector = NamespaceSelector::new(NamespaceLabels::new(), vec![expression]);
            assert_eq!(selector.selects(&labels), wanted, "{selector}");
            assert!(selector.may_select(&NamespaceLabels::new()), "{selector}");
        }
    }
}
