//! Flags of cosign that are in people's scripts, and what they come to here.

/// cosign's words for what has to go with a signature.
#[derive(clap::Args, Debug, Default)]
#[group(skip)]
pub(crate) struct CosignArgs {
    /// Of an identity, the same as --log optional; a key asks for no log here anyway
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    insecure_ignore_tlog: Option<bool>,

    /// As above
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    private_infrastructure: Option<bool>,

    /// The same as --timestamp required
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    use_signed_timestamps: Option<bool>,

    /// Nothing but the registry is ever asked
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    offline: Option<bool>,

    /// Bundles and what there was before them are both read
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    new_bundle_format: Option<bool>,
}

impl CosignArgs {
    /// Whether a log entry need not be there.
    pub(crate) fn without_log(&self) -> bool {
        self.insecure_ignore_tlog == Some(true) || self.private_infrastructure == Some(true)
    }

    /// Whether a timestamp has to be there.
    pub(crate) fn with_timestamp(&self) -> bool {
        self.use_signed_timestamps == Some(true)
    }
}
