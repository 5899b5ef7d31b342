//! What is in an image, layer by layer.

use std::collections::BTreeMap;

use maud::{Markup, html};
use waxseal_oci::Digest;
use waxseal_policy::escaped;
use waxseal_sbom::{Component, Inventory, Location, Note};

use crate::Contents;
use crate::page::{count, table};

/// The packages, each in the lowest layer that names it.
pub(crate) fn packages(contents: &Contents<'_>, n: usize) -> Markup {
    let inventory = contents.inventory;
    let groups = groups(contents);
    let status = format!("status-{n}");
    let filter = format!("filter-{n}");
    html! {
        p {
            "Found by reading the layers of " code { (escaped(&contents.name)) }
            ", not taken from an attested SBOM."
            @if let Some(distro) = &inventory.distro {
                " It is made from " (distribution(&distro.id, &distro.version, &distro.name)) "."
            }
        }
        p { (kinds(inventory)) }
        @if !inventory.notes.is_empty() { (notes(&inventory.notes)) }
        div.packages {
            // The script shows this: without it there would be nothing behind it.
            div.tools hidden {
                label for=(filter) { "Filter packages" }
                input id=(filter) type="search" autocomplete="off" spellcheck="false"
                    aria-describedby=(status);
                button type="button" data-do="open" { "Open all layers" }
                button type="button" data-do="close" { "Close all layers" }
            }
            p.status id=(status) role="status" aria-live="polite" {
                (count(inventory.components.len(), "package"))
            }
            @for (m, group) in groups.iter().enumerate() { (layer(group, &format!("{n}-{m}"))) }
        }
    }
}

struct Group<'a> {
    title: String,
    digest: Option<&'a Digest>,
    size: &'a str,
    components: Vec<&'a Component>,
}

/// The layers, the lowest first, each with its packages.
fn groups<'a>(contents: &'a Contents<'_>) -> Vec<Group<'a>> {
    let total = contents.layers.len();
    let mut groups: Vec<Group<'a>> = Vec::with_capacity(total + 1);
    let mut number: BTreeMap<&Digest, usize> = BTreeMap::new();
    for (n, (digest, size)) in contents.layers.iter().enumerate() {
        // The same layer twice is one place.
        number.entry(digest).or_insert(n);
        groups.push(Group {
            title: format!("Layer {} of {total}", n + 1),
            digest: Some(digest),
            size,
            components: Vec::new(),
        });
    }
    groups.push(Group {
        title: match total {
            0 => "All".to_owned(),
            _ => "In no layer".to_owned(),
        },
        digest: None,
        size: "",
        components: Vec::new(),
    });
    for component in &contents.inventory.components {
        let layers = component.found.iter().filter_map(|at| at.layer.as_ref());
        let lowest = layers.filter_map(|layer| number.get(layer)).min().copied();
        if let Some(group) = groups.get_mut(lowest.unwrap_or(total)) {
            group.components.push(component);
        }
    }
    if groups.last().is_some_and(|last| last.components.is_empty()) {
        groups.pop();
    }
    groups
}

fn layer(group: &Group<'_>, id: &str) -> Markup {
    let number = group.components.len();
    html! {
        details.layer open[(1..=OPEN).contains(&number)] {
            summary {
                strong { (group.title) } ", "
                span.number data-all=(number) { (count(number, "package")) }
                @if let Some(digest) = group.digest {
                    br;
                    span.muted { code { (digest) } ", " (escaped(group.size)) }
                }
            }
            @if number == 0 {
                p { "No package is named here." }
            } @else {
                (table(
                    &format!("layer-{id}"),
                    &format!("Packages of {}", group.title.to_lowercase()),
                    &["Package", "Version", "Type", "Licences", "Package URL and place"],
                    html! { @for one in &group.components { (row(one, group.digest)) } },
                ))
            }
        }
    }
}

fn row(component: &Component, layer: Option<&Digest>) -> Markup {
    let licenses: Vec<&str> = component.licenses.iter().map(|l| l.as_str()).collect();
    let supplier = component
        .supplier
        .as_deref()
        .filter(|name| !name.is_empty());
    html! {
        tr {
            th scope="row" {
                (escaped(&component.name))
                @if let Some(supplier) = supplier { br; span.muted { (escaped(supplier)) } }
            }
            td { (escaped(&component.version)) }
            td { (component.ecosystem) }
            td {
                @if licenses.is_empty() { span.muted { "not said" } }
                @else { (escaped(&licenses.join(", "))) }
            }
            td.where {
                code { (escaped(&component.purl)) }
                @for at in component.found.iter().take(PLACES) {
                    br;
                    span.muted { (place(at, layer)) }
                }
                @if component.found.len() > PLACES {
                    br;
                    span.muted { "and " (component.found.len() - PLACES) " more places" }
                }
            }
        }
    }
}

/// A path, with its layer where that is another than the one it stands under.
fn place(at: &Location, here: Option<&Digest>) -> String {
    let path = escaped(&at.path);
    match &at.layer {
        Some(layer) if Some(layer) != here => format!("{path} in layer {}", layer.short()),
        _ => path,
    }
}

/// `12 packages: 8 deb, 4 npm`.
fn kinds(inventory: &Inventory) -> String {
    let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
    for component in &inventory.components {
        *kinds.entry(component.ecosystem.purl_type()).or_default() += 1;
    }
    let each: Vec<String> = kinds
        .iter()
        .map(|(kind, n)| format!("{n} {kind}"))
        .collect();
    let all = count(inventory.components.len(), "package");
    match each.is_empty() {
        true => format!("{all}."),
        false => format!("{all}: {}.", each.join(", ")),
    }
}

fn distribution(id: &str, version: &str, name: &str) -> String {
    match name.is_empty() {
        true => escaped(format!("{id} {version}").trim()),
        false => escaped(name),
    }
}

fn notes(notes: &[Note]) -> Markup {
    html! {
        details.notes {
            summary { (count(notes.len(), "thing")) " could not be read: the list may not be whole" }
            ul {
                @for note in notes.iter().take(NOTES) {
                    li { code { (escaped(&note.at.path)) } ": " (escaped(&note.reason)) }
                }
                @if notes.len() > NOTES { li { "and " (notes.len() - NOTES) " more" } }
            }
        }
    }
}

/// Packages of a layer that are shown at once; a longer list is opened by hand.
const OPEN: usize = 300;
/// Places of one package that are shown.
const PLACES: usize = 5;
/// Notes that are shown.
const NOTES: usize = 200;
