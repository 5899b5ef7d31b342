//! Ruby gems: the specifications that RubyGems writes, which are Ruby code of
//! one plain form.

use super::Package;
use crate::inventory::{Ecosystem, License};

pub(super) fn read(text: &str, path: &str) -> Result<Vec<Package>, String> {
    let mut package = Package {
        ecosystem: Some(Ecosystem::Gem),
        ..Package::default()
    };
    for line in text.lines() {
        let Some((member, value)) = line.trim().strip_prefix("s.").and_then(assignment) else {
            continue;
        };
        match member {
            "name" => package.name = first_text(value).unwrap_or_default().to_owned(),
            "version" => package.version = first_text(value).unwrap_or_default().to_owned(),
            "license" | "licenses" => {
                package
                    .licenses
                    .extend(texts(value).filter_map(License::of));
            }
            "authors" => package.supplier = first_text(value).map(str::to_owned),
            _ => {}
        }
    }
    if package.name.is_empty() || package.version.is_empty() {
        return Err(format!(
            "`{path}` does not give a name and a version in RubyGems' form"
        ));
    }
    Ok(vec![package])
}

fn assignment(text: &str) -> Option<(&str, &str)> {
    let (member, value) = text.split_once('=')?;
    Some((member.trim(), value.trim()))
}

/// The quoted texts of a line.
fn texts(value: &str) -> impl Iterator<Item = &str> {
    // Outside, inside, outside, …
    value.split('"').skip(1).step_by(2)
}

fn first_text(value: &str) -> Option<&str> {
    texts(value).next().filter(|text| !text.is_empty())
}
