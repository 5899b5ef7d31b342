//! Which images a policy covers, as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::PolicyError;
use crate::namespaces::{Expression, NamespaceSelector};

/// Which images the policy covers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Match")]
pub(crate) struct Raw {
    /// Patterns of fully qualified repository names: `**` crosses `/`, `*` does not.
    #[serde(default)]
    pub(crate) images: Vec<String>,
    #[serde(default)]
    pub(crate) namespaces: Option<Namespaces>,
}

/// In a cluster: only images in namespaces with these labels. Ignored elsewhere.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Namespaces {
    /// Labels that the namespace has.
    #[serde(default)]
    match_labels: BTreeMap<String, String>,
    /// What else is true of its labels.
    #[serde(default)]
    match_expressions: Vec<MatchExpression>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MatchExpression {
    /// The label.
    key: String,
    operator: Operator,
    /// The values, for `In` and `NotIn`.
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Namespaces {
    pub(crate) fn compile(self) -> Result<NamespaceSelector, PolicyError> {
        if self.match_labels.is_empty() && self.match_expressions.is_empty() {
            return Err(PolicyError::Namespaces(
                "it is empty: leave it out to cover every namespace".to_owned(),
            ));
        }
        let expressions: Result<Vec<_>, _> = self
            .match_expressions
            .into_iter()
            .map(MatchExpression::compile)
            .collect();
        Ok(NamespaceSelector::new(self.match_labels, expressions?))
    }
}

impl MatchExpression {
    fn compile(self) -> Result<Expression, PolicyError> {
        let listed = matches!(self.operator, Operator::In | Operator::NotIn);
        if listed == self.values.is_empty() {
            let must = if listed { "needs" } else { "has no" };
            let reason = format!(
                "the operator {:?} of `{}` {must} `values`",
                self.operator, self.key
            );
            return Err(PolicyError::Namespaces(reason));
        }
        let values = self.values.into_iter().collect();
        Ok(match self.operator {
            Operator::In => Expression::In(self.key, values),
            Operator::NotIn => Expression::NotIn(self.key, values),
            Operator::Exists => Expression::Exists(self.key),
            Operator::DoesNotExist => Expression::DoesNotExist(self.key),
        })
    }
}
