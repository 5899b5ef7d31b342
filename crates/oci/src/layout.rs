//! The image-layout format (image-spec 1.1, "OCI Image Layout").

use serde::Deserialize;

/// The name of the marker file.
pub const LAYOUT_FILE: &str = "oci-layout";

/// The content of the marker file.
pub const LAYOUT_FILE_CONTENT: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// The annotation of an `index.json` entry that holds its name or tag.
pub const REF_NAME_ANNOTATION: &str = "org.opencontainers.image.ref.name";

/// Checks the content of an `oci-layout` file (untrusted).
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn check_layout_file(bytes: &[u8]) -> Result<(), String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Marker {
        image_layout_version: String,
    }
    let marker: Marker =
        serde_json::from_slice(bytes).map_err(|e| format!("`{LAYOUT_FILE}` is not valid: {e}"))?;
    match marker.image_layout_version.as_str() {
        "1.0.0" => Ok(()),
        other => Err(format!(
            "image layout version `{other}` is not known (known: 1.0.0)"
        )),
    }
}
