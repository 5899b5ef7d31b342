//! The images in Kubernetes files.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use waxseal_gate::kinds::{ExtraKind, Kind, Kinds};
use waxseal_oci::Reference;
use waxseal_policy::escaped;

use crate::context::Context;
use crate::error::Failure;

/// An image and the places that use it.
#[derive(Debug)]
pub(crate) struct Used {
    pub(crate) image: Reference,
    pub(crate) by: Vec<String>,
}

/// Every image that the objects in these files run, each once, in the order in
/// which they are met. `-` is standard input; a folder stands for the YAML and
/// JSON files in it and below.
pub(crate) fn images(
    context: &Context,
    paths: &[PathBuf],
    extra: Vec<ExtraKind>,
) -> Result<Vec<Used>, Failure> {
    let kinds = Kinds::new(extra);
    let mut used = Vec::new();
    for path in paths {
        if path.is_dir() {
            for file in files_below(path)? {
                let text =
                    fs::read_to_string(&file).map_err(|e| Failure::file("read", &file, e))?;
                read(
                    context,
                    &kinds,
                    &file.display().to_string(),
                    &text,
                    false,
                    &mut used,
                )?;
            }
        } else if path == Path::new("-") {
            let mut text = String::new();
            std::io::stdin()
                .lock()
                .read_to_string(&mut text)
                .map_err(|e| Failure::file("read", path, e))?;
            read(context, &kinds, "standard input", &text, true, &mut used)?;
        } else {
            let text = fs::read_to_string(path).map_err(|e| Failure::file("read", path, e))?;
            read(
                context,
                &kinds,
                &path.display().to_string(),
                &text,
                true,
                &mut used,
            )?;
        }
    }
    if used.is_empty() {
        return Err(Failure::new("there is no image in the files")
            .hint("nothing was verified; give the files that your workloads are in"));
    }
    Ok(used)
}

fn read(
    context: &Context,
    kinds: &Kinds,
    file: &str,
    text: &str,
    named: bool,
    used: &mut Vec<Used>,
) -> Result<(), Failure> {
    let refuse = |reason: String| Failure::new(format_args!("`{file}`: {reason}"));
    let options = serde_saphyr::options! { with_snippet: false };
    let parsed = serde_saphyr::from_multiple_with_options(text, options);
    let documents: Vec<Value> = parsed.map_err(|e| {
        let all = e.render_with_formatter(&serde_saphyr::UserMessageFormatter);
        refuse(format!(
            "not YAML: {}",
            escaped(all.lines().next().unwrap_or_default().trim_end_matches('.'))
        ))
    })?;
    let mut waiting: Vec<(Value, usize)> = documents.into_iter().rev().map(|d| (d, 0)).collect();
    while let Some((object, depth)) = waiting.pop() {
        if object.is_null() {
            continue;
        }
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        if is_for_kustomize(file, text("/kind"), text("/apiVersion")) {
            return Err(refuse(
                "it is for kustomize, which may run other images than the files name".to_owned(),
            )
            .hint("verify what comes of it: `kubectl kustomize FOLDER | waxseal verify -f -`"));
        }
        let Some(name) = text("/kind") else {
            // Somebody who names a file means what is in it.
            if named {
                return Err(refuse(
                    "a document without `kind` is no Kubernetes object".to_owned(),
                ));
            }
            context.warn(format_args!("`{file}`: skipped, it has no `kind`"));
            continue;
        };
        let version = text("/apiVersion").unwrap_or_default();
        if let Some(of) = name.strip_suffix("List")
            && let Some(items) = object.get("items").and_then(Value::as_array)
        {
            if depth >= LISTS {
                return Err(refuse("its lists are nested too deeply".to_owned()));
            }
            let items = items.iter().rev();
            waiting.extend(items.map(|item| (item_of(item, of, version), depth + 1)));
            continue;
        }
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let kind = Kind::new(group, name);
        let title = format!("{name}/{}", text("/metadata/name").unwrap_or("(no name)"));
        let slots = kinds
            .images(&kind, &object)
            .map_err(|e| refuse(format!("{title}: {e}")))?;
        for slot in slots {
            let place = format!("{file}: {title} {}", slot.path);
            match slot.image {
                Some(image) => {
                    let image = image
                        .parse()
                        .map_err(|e| refuse(format!("{title} {}: `{image}`: {e}", slot.path)))?;
                    add(used, image, place);
                }
                None if slot.may_be_empty => {}
                None => return Err(refuse(format!("{title} {}: no image is named", slot.path))),
            }
        }
    }
    Ok(())
}

/// Whether a document tells kustomize what to make of others: it may patch their images,
/// and take more from elsewhere. It need not say its kind where its file's name does.
fn is_for_kustomize(file: &str, kind: Option<&str>, version: Option<&str>) -> bool {
    let group = version.and_then(|version| version.split_once('/'));
    let of_group = group.is_some_and(|(group, _)| group == "kustomize.config.k8s.io");
    let stem = Path::new(file).file_stem();
    let by_name = stem.is_some_and(|stem| stem.eq_ignore_ascii_case("kustomization"));
    of_group || (by_name && kind.is_none())
}

/// An item of a list. An API server leaves out of a `PodList` what each of its
/// items is.
fn item_of(item: &Value, kind: &str, version: &str) -> Value {
    let mut item = item.clone();
    if let Some(members) = item.as_object_mut()
        && !kind.is_empty()
        && !members.contains_key("kind")
    {
        members.insert("kind".to_owned(), kind.into());
        members.insert("apiVersion".to_owned(), version.into());
    }
    item
}

fn add(used: &mut Vec<Used>, image: Reference, place: String) {
    match used.iter_mut().find(|u| u.image == image) {
        Some(known) => known.by.push(place),
        None => used.push(Used {
            image,
            by: vec![place],
        }),
    }
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let refuse = |e| Failure::file("read", &folder, e);
        for entry in fs::read_dir(&folder).map_err(refuse)? {
            let entry = entry.map_err(refuse)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(refuse)?);
            let is_object = path
                .extension()
                .is_some_and(|e| e == "yaml" || e == "yml" || e == "json");
            if kind.is_dir() {
                waiting.push(path);
            } else if is_object {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

const LISTS: usize = 8;
