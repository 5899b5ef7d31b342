//! The two commands.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command, LogFormat, ReviewArgs, ServeArgs};
use crate::check::Checker;
use crate::http::App;
use crate::limits;
use crate::metrics::Metrics;
use crate::once;
use crate::policies::{Policies, PoliciesError};
use crate::review::{Outcome, Unreadable};
use crate::serve::{Certificate, CertificateError, serve, watch};

/// The exit code where the program could not run, or could not check.
pub const FAILED: u8 = 1;
/// The exit code where the command line is wrong.
pub const USAGE: u8 = 2;
/// The exit code of a refused review.
pub const REFUSED: u8 = 3;

/// Runs what the command line says.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    let Ok(filter) = EnvFilter::try_new(&cli.log) else {
        return fail(&RunError::Filter(cli.log));
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match cli.log_format {
        LogFormat::Json => log.json().init(),
        LogFormat::Text => log.with_ansi(false).init(),
    }
    let outcome = match cli.command {
        Command::Review(args) => run_review(&args),
        Command::Serve(args) => run_serve(args).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| fail(&error))
}

fn run_review(args: &ReviewArgs) -> Result<ExitCode, RunError> {
    let mut body = Vec::new();
    let most = u64::try_from(limits::BODY_BYTES).unwrap_or(u64::MAX);
    std::io::stdin()
        .lock()
        .take(most + 1)
        .read_to_end(&mut body)
        .map_err(RunError::Input)?;
    if body.len() > limits::BODY_BYTES {
        return Err(RunError::TooLarge);
    }
    let runtime = runtime(&mut Builder::new_current_thread())?;
    let policies = Arc::new(Policies::open(&args.decide)?);
    let checker = Checker::new(policies, args.decide.rules());
    let review = once::review(&checker, &body, args.door(), args.decide.deadline);
    let (answer, mut response) = runtime.block_on(review)?;
    runtime.shutdown_background();
    response.push(b'\n');
    std::io::stdout()
        .lock()
        .write_all(&response)
        .map_err(RunError::Output)?;
    Ok(match answer.outcome {
        Outcome::Allow => ExitCode::SUCCESS,
        Outcome::Deny => ExitCode::from(REFUSED),
        Outcome::Unable => ExitCode::from(FAILED),
    })
}

fn run_serve(args: ServeArgs) -> Result<(), RunError> {
    let certificate = Arc::new(Certificate::load(
        args.tls_cert,
        args.tls_key,
        args.client_ca,
    )?);
    let policies = Arc::new(Policies::open(&args.decide)?);
    let listener = std::net::TcpListener::bind(args.listen).map_err(|error| RunError::Listen {
        address: args.listen,
        error,
    })?;
    let metrics = Arc::new(Metrics::default());
    let checker = Checker::new(Arc::clone(&policies), args.decide.rules());
    let app = App::new(checker, Arc::clone(&metrics), args.decide.deadline)
        .clients_only(certificate.asks_clients());
    let runtime = runtime(&mut Builder::new_multi_thread())?;
    let served = runtime.block_on(async {
        let stop = stop_signal()?;
        let refresh = {
            let certificate = Arc::clone(&certificate);
            move || reload(&certificate, &policies, &metrics)
        };
        tokio::spawn(watch(args.reload_interval, Arc::new(refresh)));
        // Port 0 is any free one: whoever started this must be able to find it.
        let address = listener.local_addr().unwrap_or(args.listen);
        info!(%address, "listening");
        serve(listener, &certificate, app, stop)
            .await
            .map_err(RunError::Serve)
    });
    runtime.shutdown_background();
    served
}

fn reload(certificate: &Certificate, policies: &Policies, metrics: &Metrics) {
    match certificate.refresh() {
        Ok(true) => info!("a new certificate is served"),
        Ok(false) => {}
        Err(error) => {
            metrics.certificate_failure();
            warn!(%error, "the certificate is not replaced");
        }
    }
    match policies.refresh() {
        Ok(true) => info!("new policies are in force"),
        Ok(false) => {}
        Err(error) => warn!(%error, "the policies are not replaced"),
    }
}

/// Done on SIGTERM, as the kubelet sends it, and on SIGINT.
fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Runtime)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Runtime)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn runtime(builder: &mut Builder) -> Result<Runtime, RunError> {
    builder.enable_all().build().map_err(RunError::Runtime)
}

fn fail(error: &RunError) -> ExitCode {
    error!("{error}");
    // The log may be filtered: the last word is said in any case.
    let _ = writeln!(std::io::stderr().lock(), "error: {error}");
    ExitCode::from(match error {
        RunError::Filter(_) => USAGE,
        _ => FAILED,
    })
}

/// Why the program could not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The log's filter.
    #[error("`{0}` is not a log filter such as info or waxseal_admission=debug")]
    Filter(String),
    /// Standard input.
    #[error("the review cannot be read from standard input: {0}")]
    Input(std::io::Error),
    /// The address.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Which.
        address: std::net::SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// Standard output.
    #[error("the answer cannot be written: {0}")]
    Output(std::io::Error),
    /// The policies, or what they are decided with.
    #[error(transparent)]
    Policies(#[from] PoliciesError),
    /// The runtime.
    #[error("the runtime cannot be started: {0}")]
    Runtime(std::io::Error),
    /// The server.
    #[error("the server ended: {0}")]
    Serve(std::io::Error),
    /// A review over the limit.
    #[error("the review is larger than {} bytes", limits::BODY_BYTES)]
    TooLarge,
    /// Not a review.
    #[error("standard input is no review: {0}")]
    Unreadable(#[from] Unreadable),
}
