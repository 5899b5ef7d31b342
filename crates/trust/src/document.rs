//! The two documents of a root: whom to trust, and where to go.

use sigstore_trust_root::SigningConfig;
use waxseal_oci::check_json;
use waxseal_verify::TrustedRoot;

use crate::error::StoreError;

/// Whether both can be used by who reads them later.
pub(crate) fn check(trusted_root: &[u8], signing_config: Option<&[u8]>) -> Result<(), StoreError> {
    TrustedRoot::from_json(trusted_root).map_err(|e| StoreError::Unusable {
        document: "trusted root",
        reason: e.to_string(),
    })?;
    let Some(config) = signing_config else {
        return Ok(());
    };
    let refused = |reason: String| StoreError::Unusable {
        document: "signing configuration",
        reason,
    };
    check_json(config).map_err(|e| refused(e.to_string()))?;
    let text = str::from_utf8(config).map_err(|e| refused(e.to_string()))?;
    SigningConfig::from_json(text).map_err(|e| refused(e.to_string()))?;
    Ok(())
}
