//! What every command is given: the global flags, and the registry client, the
//! runtime and the streams that follow from them.

use std::cell::OnceCell;
use std::fmt;
use std::fs;
use std::future::Future;
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;
use waxseal_registry::Client;
use waxseal_sign::{Http, HttpOptions};

use crate::error::Failure;

/// Flags that every command takes.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct GlobalArgs {
    /// Speak plain HTTP to registries on loopback, or to HOST[:PORT], registry or service (repeatable)
    #[arg(
        long,
        global = true,
        help_heading = REGISTRY,
        value_name = "HOST",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
    )]
    insecure_http: Vec<String>,

    /// Trust the certificate authorities in this PEM file besides the system's (repeatable)
    #[arg(long, global = true, help_heading = REGISTRY, value_name = "FILE")]
    ca_cert: Vec<PathBuf>,

    /// Take registry credentials from this docker configuration
    #[arg(long, global = true, help_heading = REGISTRY, value_name = "FILE")]
    registry_config: Option<PathBuf>,

    /// Let the token service on this host see the registry's credentials (repeatable)
    #[arg(long, global = true, help_heading = REGISTRY, value_name = "HOST")]
    trust_realm: Vec<String>,

    /// Keep content by digest in this folder (default: WAXSEAL_CACHE_DIR, else nowhere)
    #[arg(long, global = true, help_heading = REGISTRY, value_name = "DIR")]
    cache_dir: Option<PathBuf>,

    /// Keep nothing, and use nothing that was kept
    #[arg(long, global = true, help_heading = REGISTRY)]
    no_cache: bool,

    /// When to colour
    #[arg(long, global = true, value_name = "WHEN", display_order = LAST)]
    color: Option<Color>,

    /// Say nothing but the result and errors
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        display_order = LAST
    )]
    quiet: bool,

    /// Say what is asked of registries and services
    #[arg(short, long, global = true, action = clap::ArgAction::Count, display_order = LAST)]
    verbose: u8,
}

impl GlobalArgs {
    /// These and, where they are given again, those behind the command's name.
    pub(crate) fn and(mut self, behind: Self) -> Self {
        self.insecure_http.extend(behind.insecure_http);
        self.ca_cert.extend(behind.ca_cert);
        self.trust_realm.extend(behind.trust_realm);
        Self {
            insecure_http: self.insecure_http,
            ca_cert: self.ca_cert,
            registry_config: behind.registry_config.or(self.registry_config),
            trust_realm: self.trust_realm,
            cache_dir: behind.cache_dir.or(self.cache_dir),
            no_cache: self.no_cache || behind.no_cache,
            color: behind.color.or(self.color),
            quiet: self.quiet || behind.quiet,
            verbose: self.verbose.saturating_add(behind.verbose),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Always,
    Auto,
    Never,
}

/// How the result of a command is written.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub(crate) struct OutputArgs {
    /// How to write the result
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: Output,
}

/// A form of the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For programs; versioned.
    Json,
    /// For people.
    #[default]
    Text,
}

fn no_runtime(error: std::io::Error) -> Failure {
    Failure::new(format_args!("cannot start the I/O runtime: {error}"))
}

/// What a command runs in. Nothing is set up before it is asked for.
pub(crate) struct Context {
    global: GlobalArgs,
    client: OnceCell<Client>,
    runtime: OnceCell<tokio::runtime::Runtime>,
}

impl Context {
    pub(crate) fn new(global: GlobalArgs) -> Self {
        match global.color {
            Some(Color::Always) => anstream::ColorChoice::Always.write_global(),
            Some(Color::Never) => anstream::ColorChoice::Never.write_global(),
            Some(Color::Auto) | None => {}
        }
        if global.verbose > 0 {
            log_to_stderr();
        }
        Self {
            global,
            client: OnceCell::new(),
            runtime: OnceCell::new(),
        }
    }

    /// The registry client that the flags ask for, the same one each time.
    pub(crate) fn client(&self) -> Result<&Client, Failure> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let mut builder = Client::builder();
        for host in &self.global.insecure_http {
            builder = match host.as_str() {
                "" => builder.insecure_http(true),
                host => builder.insecure_http_host(host),
            };
        }
        for path in &self.global.ca_cert {
            builder = builder.ca_pem(fs::read(path).map_err(|e| Failure::file("read", path, e))?);
        }
        if let Some(path) = &self.global.registry_config {
            builder = builder.docker_config(path);
        }
        for host in &self.global.trust_realm {
            builder = builder.trust_realm(host);
        }
        let asked = self.global.cache_dir.clone();
        let cache = asked.or_else(|| std::env::var_os("WAXSEAL_CACHE_DIR").map(PathBuf::from));
        if let Some(dir) = cache.filter(|_| !self.global.no_cache) {
            builder = builder.cache_dir(dir);
        }
        let client = builder.build()?;
        Ok(self.client.get_or_init(|| client))
    }

    /// How services other than registries are asked.
    pub(crate) fn http(&self, attempt: Duration) -> Result<Http, Failure> {
        let mut options = HttpOptions {
            insecure_hosts: self.global.insecure_http.clone(),
            attempt,
            ..HttpOptions::default()
        };
        for path in &self.global.ca_cert {
            let pem = fs::read(path).map_err(|e| Failure::file("read", path, e))?;
            options.ca_certificates.push(pem);
        }
        Ok(Http::new(options))
    }

    /// How the files of TUF repositories are fetched.
    pub(crate) fn repository_http(&self) -> Result<waxseal_trust::Http, Failure> {
        let mut options = waxseal_trust::HttpOptions {
            insecure_hosts: self.global.insecure_http.clone(),
            ..waxseal_trust::HttpOptions::default()
        };
        for path in &self.global.ca_cert {
            let pem = fs::read(path).map_err(|e| Failure::file("read", path, e))?;
            options.ca_certificates.push(pem);
        }
        Ok(waxseal_trust::Http::new(options))
    }

    /// Lets work that is spawned go on while the rest of a command is busy. Before
    /// anything else is run.
    pub(crate) fn use_workers(&self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(no_runtime)?;
        // A second one would have no connections of the first.
        let _ = self.runtime.set(runtime);
        Ok(())
    }

    /// Runs one asynchronous piece of work to its end, on this thread.
    pub(crate) fn block_on<F: Future>(&self, work: F) -> Result<F::Output, Failure> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime.block_on(work));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(no_runtime)?;
        Ok(self.runtime.get_or_init(|| runtime).block_on(work))
    }

    /// The time. Read here and handed down; nothing below reads a clock.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        Self::CLOCK()
    }

    /// The clock, for what takes longer than a moment.
    pub(crate) const CLOCK: fn() -> jiff::Timestamp = jiff::Timestamp::now;

    /// Writes text, the result of the command, to stdout.
    pub(crate) fn print(&self, text: impl fmt::Display) -> Result<(), Failure> {
        finish(write!(anstream::stdout().lock(), "{text}"))
    }

    /// Writes bytes, the result of the command, to stdout.
    pub(crate) fn print_bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        finish(stdout.write_all(bytes).and_then(|()| stdout.flush()))
    }

    /// Writes a value, the result of the command, to stdout as JSON.
    pub(crate) fn print_json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_vec_pretty(value)
            .map_err(|e| Failure::new(format_args!("cannot write the result as JSON: {e}")))?;
        text.push(b'\n');
        self.print_bytes(&text)
    }

    /// Tells the person something that is not the result. Silent with `--quiet`.
    pub(crate) fn note(&self, text: impl fmt::Display) {
        if !self.global.quiet {
            let _ = writeln!(anstream::stderr().lock(), "{text}");
        }
    }

    /// Tells a person at a terminal how far the work is.
    pub(crate) fn progress(&self, text: impl fmt::Display) {
        if io::stderr().is_terminal() {
            self.note(text);
        }
    }

    /// Tells a CI system something, in its own notation.
    pub(crate) fn annotate(&self, line: impl fmt::Display) {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// Tells the person something that they have to know to go on.
    pub(crate) fn tell(&self, text: impl fmt::Display) {
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }

    /// Asks the person something; the answer is typed on the same line.
    pub(crate) fn prompt(&self, text: impl fmt::Display) {
        let mut stderr = anstream::stderr().lock();
        let _ = write!(stderr, "{text}");
        let _ = stderr.flush();
    }

    /// Warns of something that does not keep the command from its work.
    pub(crate) fn warn(&self, text: impl fmt::Display) {
        let text = waxseal_policy::escaped_lines(&text.to_string());
        let _ = writeln!(
            anstream::stderr().lock(),
            "{WARNING}warning{WARNING:#}: {text}"
        );
    }

    /// Whether the result may be coloured.
    pub(crate) fn color(&self) -> bool {
        anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
    }
}

/// A reader that has gone away ends the output and changes nothing else: the
/// exit code stays that of the verdict.
fn finish(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => Err(Failure::new(format_args!("cannot write to stdout: {e}"))),
        Ok(()) => Ok(()),
    }
}

fn log_to_stderr() {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(io::stderr)
        .with_ansi(anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never)
        .without_time()
        .with_target(false)
        .init();
}

const REGISTRY: &str = "Registry";
/// Behind the options that only one command has.
const LAST: usize = 500;
const WARNING: anstyle::Style = anstyle::AnsiColor::Yellow.on_default().bold();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_before_and_behind_the_command_are_joined() {
        let before = GlobalArgs {
            insecure_http: vec!["a".into()],
            color: Some(Color::Never),
            cache_dir: Some("before".into()),
            quiet: true,
            verbose: 1,
            ..GlobalArgs::default()
        };
        let behind = GlobalArgs {
            insecure_http: vec!["b".into()],
            color: Some(Color::Always),
            no_cache: true,
            verbose: 1,
            ..GlobalArgs::default()
        };
        let joined = before.and(behind);
        assert_eq!(joined.insecure_http, ["a", "b"]);
        assert_eq!(joined.color, Some(Color::Always));
        assert_eq!(joined.cache_dir, Some("before".into()));
        assert!(joined.quiet && joined.no_cache);
        assert_eq!(joined.verbose, 2);
    }
}
