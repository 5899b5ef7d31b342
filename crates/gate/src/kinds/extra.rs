//! Kinds that are configured: `--extra-kind argoproj.io/Rollout=spec.template.spec`.

use std::str::FromStr;

use serde_json::Value;

use super::{Kind, Malformed, Path, Slot, builtin, json_type, pod_spec, step};

/// A configured kind and the path to its images.
///
/// The path's parts are separated by dots; `*` stands for every element of a
/// list. What it leads to is a pod spec, or a string, which is then an image
/// reference itself: `tekton.dev/Task=spec.steps.*.image`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraKind {
    pub(super) kind: Kind,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Key(String),
    Every,
}

impl ExtraKind {
    pub(super) fn walk(&self, object: &Value, slots: &mut Vec<Slot>) -> Result<(), Malformed> {
        descend(object, &self.parts, &Path::default(), slots)
    }
}

fn descend(
    value: &Value,
    parts: &[Part],
    at: &Path,
    slots: &mut Vec<Slot>,
) -> Result<(), Malformed> {
    match parts.split_first() {
        None if value.is_string() => {
            slots.push(pod_spec::text(value, at.clone(), true)?);
            Ok(())
        }
        None => pod_spec::walk(value, at, false, slots),
        Some((Part::Key(key), rest)) => {
            let at = at.key(key);
            descend(step(value, key, &at)?, rest, &at, slots)
        }
        Some((Part::Every, rest)) => match value {
            Value::Null => Ok(()),
            Value::Array(list) => {
                for (index, element) in list.iter().enumerate() {
                    descend(element, rest, &at.index(index), slots)?;
                }
                Ok(())
            }
            other => Err(Malformed {
                path: at.clone(),
                found: json_type(other),
                wanted: "a list",
            }),
        },
    }
}

impl FromStr for ExtraKind {
    type Err = ExtraKindError;

    fn from_str(text: &str) -> Result<Self, ExtraKindError> {
        let Some((kind, path)) = text.split_once('=') else {
            return Err(ExtraKindError::Form);
        };
        let (group, name) = kind.rsplit_once('/').unwrap_or(("", kind));
        if name.is_empty() || group.contains('/') {
            return Err(ExtraKindError::Form);
        }
        let kind = Kind::new(group, name);
        if builtin::find(&kind).is_some() {
            return Err(ExtraKindError::Builtin(kind));
        }
        let parts = path
            .split('.')
            .map(|part| match part {
                "" => Err(ExtraKindError::Path(path.to_owned())),
                "*" => Ok(Part::Every),
                key => Ok(Part::Key(key.to_owned())),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { kind, parts })
    }
}

/// Why the text of an `--extra-kind` is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExtraKindError {
    /// A built-in kind's paths are not configurable.
    #[error("the paths of `{0}` are built in")]
    Builtin(Kind),
    /// Not `GROUP/KIND=PATH`.
    #[error("not of the form GROUP/KIND=PATH, as in argoproj.io/Rollout=spec.template.spec")]
    Form,
    /// An empty part in the path.
    #[error("the path `{0}` has an empty part")]
    Path(String),
}

#[cfg(test)]
mod tests {
    use super::{ExtraKind, ExtraKindError};
    use crate::kinds::{Kind, Kinds};

    #[test]
    fn what_is_not_an_extra_kind_is_refused() {
        let refuse = |text: &str| text.parse::<ExtraKind>().unwrap_err();
        assert_eq!(refuse("Rollout"), ExtraKindError::Form);
        assert_eq!(refuse("a/b/Rollout=spec"), ExtraKindError::Form);
        assert_eq!(refuse("a/=spec"), ExtraKindError::Form);
        assert_eq!(refuse("a/B="), ExtraKindError::Path(String::new()));
        assert_eq!(
            refuse("a/B=spec..x"),
            ExtraKindError::Path("spec..x".to_owned())
        );
        assert_eq!(
            refuse("apps/Deployment=spec.template.spec"),
            ExtraKindError::Builtin(Kind::new("apps", "Deployment"))
        );
    }

    #[test]
    fn a_path_that_misses_images_is_no_reason_to_let_them_in() {
        let kind = Kind::new("argoproj.io", "Rollout");
        let known = |path: &str| {
            let extra = format!("argoproj.io/Rollout={path}").parse();
            Kinds::new(vec![extra.unwrap()])
        };
        let object = serde_json::json!({"spec": {
            "template": {"spec": {"containers": [{"image": "a"}, {"image": ""}, {}]}},
            "canary": {"containers": [{"image": "a"}]},
            "replicas": 1,
        }});
        let refused = |kinds: &Kinds, object| kinds.images(&kind, object).unwrap_err().to_string();
        let found = known("spec.template.spec").images(&kind, &object);
        assert_eq!(found.map(|slots| slots.len()), Ok(3));
        assert_eq!(
            refused(&known("spec.tmpl.spec"), &object),
            "images in a argoproj.io/Rollout are not checked as configured, and this one has some \
             under `spec.canary`: say so with `--extra-kind argoproj.io/Rollout=spec.canary`"
        );
        let mut other = object.clone();
        *other
            .pointer_mut("/spec/canary/containers/0/image")
            .unwrap() = "b".into();
        assert_eq!(
            refused(&known("spec.template.spec"), &other),
            "images in a argoproj.io/Rollout are not checked as configured, and this one has some \
             under `spec.canary`: say so with `--extra-kind argoproj.io/Rollout=spec.canary`"
        );
    }

    #[test]
    fn a_list_on_the_way_is_walked() {
        let kinds = Kinds::new(vec![
            "jobset.x-k8s.io/JobSet=spec.replicatedJobs.*.template.spec.template.spec"
                .parse()
                .unwrap(),
            "tekton.dev/Task=spec.steps.*.image".parse().unwrap(),
        ]);
        let job = |image: &str| serde_json::json!({"template": {"spec": {"template": {"spec": {"containers": [{"image": image}]}}}}});
        let object = serde_json::json!({"spec": {"replicatedJobs": [job("a"), job("b")]}});
        let found = kinds
            .images(&Kind::new("jobset.x-k8s.io", "JobSet"), &object)
            .unwrap();
        let paths: Vec<_> = found.iter().map(|slot| slot.path.pointer()).collect();
        assert_eq!(
            paths,
            [
                "/spec/replicatedJobs/0/template/spec/template/spec/containers/0/image",
                "/spec/replicatedJobs/1/template/spec/template/spec/containers/0/image",
            ]
        );
        let object = serde_json::json!({"spec": {"steps": [{"image": "a"}, {"name": "no image"}]}});
        let found = kinds
            .images(&Kind::new("tekton.dev", "Task"), &object)
            .unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].path.to_string(), "spec.steps[0].image");
    }
}
