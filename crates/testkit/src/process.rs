//! Programs that others wrote, started on free ports of loopback.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A process that ends with its owner.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program without input, what it prints in `log`.
    ///
    /// # Panics
    ///
    /// When the program cannot be started.
    pub fn start<S: AsRef<std::ffi::OsStr>>(
        program: &Path,
        words: impl IntoIterator<Item = S>,
        log: &Path,
    ) -> Self {
        let out = fs::File::create(log).expect("a log file");
        let err = out.try_clone().expect("a second handle");
        let child = Command::new(program)
            .args(words)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(|e| {
                format!(
                    "cannot start {}: {e}; what is not ours a script in .ci fetches",
                    program.display()
                )
            })
            .expect("a program");
        let log = log.to_owned();
        Self { child, log }
    }

    /// Waits until `port` of loopback answers.
    ///
    /// # Panics
    ///
    /// With what the program has printed, when the program ends before or a
    /// minute goes by.
    pub fn answers(&mut self, port: u16) {
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(60) && self.ended().is_none(),
                "nothing answers on port {port}:\n{}",
                self.printed()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How the process has ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The last 40 lines of what it has printed.
    pub fn printed(&self) -> String {
        let all = fs::read(&self.log).unwrap_or_default();
        let all = String::from_utf8_lossy(&all);
        let skip = all.lines().count().saturating_sub(40);
        all.lines().skip(skip).collect::<Vec<_>>().join("\n")
    }
}

impl From<Child> for Process {
    /// A process that was started elsewhere; what it prints goes elsewhere too.
    fn from(child: Child) -> Self {
        let log = PathBuf::new();
        Self { child, log }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ports below those that the system gives to connections: no other program
/// gets one of them between now and its use, and no connection meets itself.
///
/// # Panics
///
/// When none is left.
#[must_use]
pub fn free_ports<const N: usize>() -> [u16; N] {
    // Two programs that start at once look in different places.
    let from = 15_000 + u16::try_from(std::process::id() % 100).unwrap_or_default() * 100;
    let mut free = (from..30_000).filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    std::array::from_fn(|_| free.next().expect("a port of loopback"))
}
