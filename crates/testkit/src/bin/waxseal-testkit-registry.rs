//! The embedded registry as a process of its own, for benchmarks and outside
//! programs. Prints its address, then serves until it is killed.
//! `GET /_testkit/stats` answers the totals, `POST /_testkit/reset` clears them.

#![expect(clippy::print_stdout, reason = "the address is the output")]

use std::io::Write as _;
use std::time::Duration;

use waxseal_testkit::{Auth, Options, Registry};

fn main() -> Result<(), String> {
    let options = options(std::env::args().skip(1))?;
    let registry = Registry::start(options);
    println!("{}", registry.host());
    std::io::stdout().flush().map_err(|e| e.to_string())?;
    loop {
        std::thread::park();
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value"));
        let number = |text: String| {
            text.parse::<u64>()
                .map_err(|e| format!("`{arg} {text}`: {e}"))
        };
        match arg.as_str() {
            "--auth" => options.auth = auth(&value()?)?,
            "--auth-basic" => options.auth = Auth::Basic,
            "--auth-token" => options.auth = Auth::Token,
            "--delay-ms" => options.delay = Some(Duration::from_millis(number(value()?)?)),
            "--listen" => {
                let address = value()?;
                let port = address.strip_prefix("127.0.0.1:").map(str::to_owned);
                let port = port.ok_or_else(|| format!("`{address}` is not 127.0.0.1:PORT"))?;
                options.port = u16::try_from(number(port)?).map_err(|e| e.to_string())?;
            }
            "--no-referrers" => options.referrers = false,
            "--port" => {
                options.port = u16::try_from(number(value()?)?).map_err(|e| e.to_string())?;
            }
            other => return Err(format!("unknown argument `{other}`: {USAGE}")),
        }
    }
    Ok(options)
}

fn auth(name: &str) -> Result<Auth, String> {
    match name {
        "basic" => Ok(Auth::Basic),
        "token" => Ok(Auth::Token),
        "private-token" => Ok(Auth::PrivateToken),
        _ => Err(format!("`--auth {name}`: basic, token or private-token")),
    }
}

const USAGE: &str = "usage: waxseal-testkit-registry [--listen 127.0.0.1:PORT] [--no-referrers] \
    [--delay-ms N] [--auth basic|token|private-token]";
