//! Python distributions: `METADATA` and `PKG-INFO`.

use super::Package;
use crate::inventory::{Ecosystem, License};

/// The one distribution that the headers describe; the text behind them is not looked at.
pub(super) fn read(text: &str) -> Result<Vec<Package>, String> {
    let mut package = Package {
        ecosystem: Some(Ecosystem::Pypi),
        ..Package::default()
    };
    let (mut expression, mut license, mut classified) = (None, None, Vec::new());
    for line in text.lines() {
        if line.is_empty() {
            break;
        }
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        match key.to_ascii_lowercase().as_str() {
            "name" => package.name = value.to_owned(),
            "version" => package.version = value.to_owned(),
            "author" if !value.is_empty() => package.supplier = Some(value.to_owned()),
            "license-expression" => expression = License::of(value),
            // Some put the whole text there, of which this is the first line.
            "license" => license = License::of(value),
            "classifier" => {
                if let Some((_, name)) = value
                    .strip_prefix("License ::")
                    .and_then(|rest| rest.rsplit_once(":: ").or(Some(("", rest.trim()))))
                {
                    classified.extend(License::of(name));
                }
            }
            _ => {}
        }
    }
    if package.name.is_empty() {
        return Err("a Python distribution without a name".to_owned());
    }
    package.licenses = match expression.or(license) {
        Some(stated) => vec![stated],
        None => classified,
    };
    Ok(vec![package])
}
