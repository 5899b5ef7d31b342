//! Our documents, read by the tools of others.

use std::process::Command;

use serde_json::Value;

use crate::Peers;
use crate::ours::Ours;
use crate::table::Table;

/// The lines of one root: each format is read by another's tool, which finds as
/// many packages as there are, and a second run gives the same bytes.
pub(crate) fn lines(peers: &Peers, ours: &Ours, name: &str, table: &mut Table) {
    for (format, reader) in [
        ("cyclonedx-json", "cyclonedx-python-lib"),
        ("spdx-json", "spdx-tools"),
    ] {
        table.line(
            &format!("{name}: {reader} reads {format}, twice the same"),
            || {
                let root = peers.root(name);
                let document = ours.document(&root, format)?;
                if document != ours.document(&root, format)? {
                    return Err("a second run gives other bytes".to_owned());
                }
                let parsed: Value = serde_json::from_slice(&document).map_err(|e| e.to_string())?;
                let listed = parsed["components"]
                    .as_array()
                    .or(parsed["packages"].as_array());
                let listed = listed.map(Vec::len).unwrap_or_default();
                let file = tempfile::Builder::new()
                    .suffix(".spdx.json")
                    .tempfile()
                    .map_err(|e| e.to_string())?;
                std::fs::write(file.path(), &document).map_err(|e| e.to_string())?;
                let read = Command::new(peers.root("python").join("bin/python"))
                    .arg(peers.pins.join("python/read.py"))
                    .args([format, &file.path().to_string_lossy()])
                    .output()
                    .map_err(|e| format!("cannot run Python: {e}"))?;
                let said = String::from_utf8_lossy(&read.stdout).trim().to_owned();
                if !read.status.success() {
                    let wrong = String::from_utf8_lossy(&read.stderr);
                    return Err(format!("{said}\n{wrong}"));
                }
                if said != listed.to_string() {
                    return Err(format!("we list {listed}, it finds {said}"));
                }
                println!("      {listed} elements");
                Ok(())
            },
        );
    }
}
