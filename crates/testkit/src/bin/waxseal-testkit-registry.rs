//! The embedded registry as a process of its own, for benchmarks and outside
//! programs. Prints its address, then serves until it is killed.

#![expect(clippy::print_stdout, reason = "the address is the output")]

use std::io::Write as _;
use std::time::Duration;

use waxseal_testkit::{Auth, Options, Registry};

fn main() -> Result<(), String> {
    let mut options = Options::default();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || {
            let value = args
                .next()
                .ok_or_else(|| format!("`{arg}` needs a value"))?;
            value
                .parse::<u64>()
                .map_err(|e| format!("`{arg} {value}`: {e}"))
        };
        match arg.as_str() {
            "--no-referrers" => options.referrers = false,
            "--delay-ms" => options.delay = Some(Duration::from_millis(number()?)),
            "--port" => options.port = u16::try_from(number()?).map_err(|e| e.to_string())?,
            "--auth-token" => options.auth = Auth::Token,
            "--auth-basic" => options.auth = Auth::Basic,
            other => {
                return Err(format!(
                    "unknown argument `{other}` (--no-referrers, --delay-ms N, --port N, \
                     --auth-token, --auth-basic)"
                ));
            }
        }
    }
    let registry = Registry::start(options);
    println!("{}", registry.host());
    std::io::stdout().flush().map_err(|e| e.to_string())?;
    loop {
        std::thread::park();
    }
}
