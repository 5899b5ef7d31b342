//! A statement that somebody else wrote, to be signed as it is.

use std::path::Path;

use waxseal_attestation::{PredicateType, Statement};
use waxseal_oci::{Algorithm, Digest};

use crate::error::Failure;
use crate::predicate::Built;

/// Checks a statement, and that it is about `subject`; without one, it is about
/// its own first subject, whose digest comes with it.
pub(crate) fn given(
    path: &Path,
    content: Vec<u8>,
    subject: Option<&Digest>,
) -> Result<(Built, Digest), Failure> {
    let about = |why: String| Failure::new(format_args!("`{}`: {why}", path.display()));
    let statement = Statement::parse(&content).map_err(|why| about(why.to_string()))?;
    let subject = match subject {
        Some(subject) if !statement.names_digest(subject) => {
            return Err(about(format!("the statement is not about {subject}")));
        }
        Some(subject) => subject.clone(),
        None => first(&statement).ok_or_else(|| {
            about("the first subject has no digest by SHA-256, SHA-384 or SHA-512".to_owned())
        })?,
    };
    let predicate_type = PredicateType::from_uri(statement.predicate_type());
    let built = Built {
        statement: content,
        predicate_type,
    };
    Ok((built, subject))
}

/// The strongest digest of the first subject.
fn first(statement: &Statement) -> Option<Digest> {
    let subject = statement.subjects().first()?;
    let algorithms = [Algorithm::Sha512, Algorithm::Sha384, Algorithm::Sha256];
    algorithms.into_iter().find_map(|algorithm| {
        let hex = subject.digest.get(algorithm.name())?;
        Digest::from_hex(algorithm, hex).ok()
    })
}
