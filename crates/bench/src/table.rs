//! The tables.

use std::fs;
use std::process::Command;

use crate::measure::Cost;

/// One command of a row, after its runs.
pub(crate) struct Measured {
    pub(crate) name: String,
    pub(crate) costs: Vec<Cost>,
    /// Registry requests of one run.
    pub(crate) requests: u64,
    /// Bytes that the registry sent and received in one run.
    pub(crate) bytes: u64,
}

impl Measured {
    fn median(&self, of: fn(&Cost) -> f64) -> f64 {
        let mut all: Vec<f64> = self.costs.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or_default()
    }
}

/// What machine this is, in one line.
pub(crate) fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find(|l| l.starts_with("model name"))
        .and_then(|l| l.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = Command::new("uname")
        .arg("-sr")
        .output()
        .map(|o| o.stdout)
        .unwrap_or_default();
    format!(
        "{} × {}, {}, peers and registry on loopback of the same machine",
        cores,
        model.unwrap_or("unknown processor"),
        String::from_utf8_lossy(&kernel).trim()
    )
}

/// Prints a row: medians, and each peer's cost as a multiple of ours.
pub(crate) fn print(title: &str, target: &str, row: &[Measured]) {
    println!("### {title}\n");
    println!("target: {target}\n");
    println!(
        "| | cpu ms | wall ms | peak MiB | requests | bytes | cpu × ours | wall × ours | memory × ours |"
    );
    println!("| --- | --: | --: | --: | --: | --: | --: | --: | --: |");
    let Some(ours) = row.first() else { return };
    for each in row {
        let ratio = |of: fn(&Cost) -> f64| each.median(of) / ours.median(of).max(0.001);
        println!(
            "| {} | {:.1} | {:.1} | {:.1} | {} | {} | {:.1} | {:.1} | {:.1} |",
            each.name,
            each.median(|c| c.cpu),
            each.median(|c| c.wall),
            each.median(|c| c.memory),
            each.requests,
            each.bytes,
            ratio(|c| c.cpu),
            ratio(|c| c.wall),
            ratio(|c| c.memory),
        );
    }
    println!();
}
