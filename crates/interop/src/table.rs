//! The table: one line for each thing that was tried.

/// What became of a line.
pub(crate) type Outcome = Result<(), String>;

/// The lines so far.
pub(crate) struct Table {
    wanted: Vec<String>,
    passed: usize,
    failed: Vec<String>,
}

impl Table {
    pub(crate) fn new(wanted: Vec<String>) -> Self {
        Self {
            wanted,
            passed: 0,
            failed: Vec::new(),
        }
    }

    /// Runs and prints one line, if it is wanted.
    pub(crate) fn line(&mut self, name: &str, run: impl FnOnce() -> Outcome) {
        if !self.wanted.is_empty() && !self.wanted.iter().any(|w| name.contains(w.as_str())) {
            return;
        }
        match run() {
            Ok(()) => {
                self.passed += 1;
                println!("PASS  {name}");
            }
            Err(why) => {
                println!("FAIL  {name}\n      {}", why.replace('\n', "\n      "));
                self.failed.push(name.to_owned());
            }
        }
    }

    /// Prints the totals; true if nothing failed and something ran.
    pub(crate) fn finish(self) -> bool {
        for name in &self.failed {
            println!("failed: {name}");
        }
        println!("\n{} passed, {} failed", self.passed, self.failed.len());
        self.failed.is_empty() && self.passed > 0
    }
}
