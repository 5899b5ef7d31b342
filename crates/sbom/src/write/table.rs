//! A table for people.

use std::fmt::Write as _;

use crate::inventory::Inventory;

pub(super) fn lines(inventory: &Inventory) -> String {
    let rows = inventory.components.iter().map(|component| {
        let licenses: Vec<&str> = component.licenses.iter().map(|l| l.as_str()).collect();
        let layer = component.found.first().and_then(|at| at.layer.as_ref());
        [
            clean(&component.name),
            clean(&component.version),
            component.ecosystem.to_string(),
            clean(&licenses.join(", ")),
            layer
                .and_then(|digest| digest.hex().get(..12))
                .unwrap_or_default()
                .to_owned(),
        ]
    });
    let head = ["NAME", "VERSION", "TYPE", "LICENCE", "LAYER"].map(str::to_owned);
    let all: Vec<[String; 5]> = std::iter::once(head).chain(rows).collect();
    let mut widths = [0; 5];
    for row in &all {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in &all {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            let _ = write!(line, "{cell:width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// One line of at most some characters, without what moves a terminal's cursor.
fn clean(text: &str) -> String {
    let one_line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(WIDEST + 1)
        .collect();
    match one_line.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}…", one_line.get(..end).unwrap_or_default()),
        None => one_line,
    }
}

const WIDEST: usize = 60;
