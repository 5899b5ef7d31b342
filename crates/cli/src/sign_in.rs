//! A person signs in: they are told where, and the program waits.

use std::process::{Command, Stdio};

use waxseal_sign::{Browser, Device, Http, IdentityError, IdentityToken, Issuer};

use crate::context::Context;
use crate::identity_args::How;

/// A token for whoever signs in.
pub(crate) async fn token(
    context: &Context,
    http: &Http,
    issuer: &str,
    client: &str,
    how: How,
) -> Result<IdentityToken, IdentityError> {
    let issuer = Issuer::discover(http, issuer).await?;
    match how {
        How::Browser => {
            let browser = Browser::begin(http, &issuer, client).await?;
            let url = browser.url();
            context.tell(format_args!(
                "sign in with a browser on this machine:\n  {url}"
            ));
            open(url.as_str());
            browser.finish().await
        }
        How::Device => {
            let device = Device::begin(http, &issuer, client).await?;
            context.tell(format_args!(
                "sign in with any browser:\n  {}\n  code: {}",
                device.page(),
                device.user_code()
            ));
            device.finish().await
        }
    }
}

/// Opens a page, if there is something to open it with. The address has been
/// printed: where nothing opens, nothing is lost.
fn open(url: &str) {
    let chosen = std::env::var_os("BROWSER").filter(|program| !program.is_empty());
    let program = chosen.unwrap_or_else(|| OPENER.into());
    let _ = Command::new(program)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
}

const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else {
    "xdg-open"
};
