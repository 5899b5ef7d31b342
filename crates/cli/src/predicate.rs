//! The predicate of an attestation, from the file that was given.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use jiff::Timestamp;
use waxseal_attestation::provenance::ProvenanceView;
use waxseal_attestation::{
    PredicateType, STATEMENT_SUFFIX, Subject, custom_predicate, statement_bytes, statement_prefix,
};
use waxseal_oci::{Digest, check_json};
use waxseal_policy::escaped;
use waxseal_sbom::{SbomError, SubjectMatch, check_subject};

use crate::command::sign_blob::is_stdin;
use crate::context::Context;
use crate::error::Failure;
use crate::generated::{Generated, generate};
use crate::provenance::ProvenanceArgs;
use crate::statement;
use crate::store::Image;

/// What is attested.
#[derive(clap::Args, Debug)]
#[group(skip)]
pub(crate) struct PredicateArgs {
    /// What the predicate is: slsaprovenance, slsaprovenance1, spdxjson, cyclonedx, vuln,
    /// openvex, link, custom, or a URI
    #[arg(
        short = 't',
        long = "type",
        value_name = "TYPE",
        requires = "predicate"
    )]
    kind: Option<String>,

    /// The predicate: a JSON object, or any text for `custom` (`-` is standard input)
    #[arg(short, long, value_name = "FILE", requires = "kind")]
    predicate: Option<PathBuf>,

    /// Attest this SBOM, CycloneDX or SPDX as JSON, after checking it; `auto` makes one of the
    /// image's layers, of an index one of each image and one that refers to them
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["kind", "predicate"],
        required_unless_present_any = ["predicate", "provenance", "statement"]
    )]
    sbom: Option<PathBuf>,

    /// Sign this in-toto statement, byte for byte; it has to be about what is attested
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["kind", "predicate", "sbom", "provenance"]
    )]
    statement: Option<PathBuf>,

    /// Attest where this came from: SLSA provenance v1 of the CI job that runs, or of the git
    /// checkout
    #[arg(
        long,
        value_name = "HOW",
        conflicts_with_all = ["kind", "predicate", "sbom"]
    )]
    provenance: Option<How>,

    #[command(flatten)]
    build: ProvenanceArgs,
}

/// How the provenance is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum How {
    /// From what the environment says.
    Auto,
}

/// A statement, ready to be signed, about an image.
pub(crate) struct About {
    pub(crate) image: Image,
    pub(crate) built: Built,
}

/// A statement, ready to be signed.
pub(crate) struct Built {
    pub(crate) statement: Vec<u8>,
    pub(crate) predicate_type: PredicateType,
}

/// What is to be attested, known before anything is asked of a registry.
pub(crate) enum Plan {
    Custom(PathBuf),
    Json(PredicateType, PathBuf),
    Provenance(ProvenanceArgs),
    Sbom(PathBuf),
    /// A statement, as it is.
    Statement(PathBuf),
    /// An SBOM that is made of the layers.
    Generated,
}

impl PredicateArgs {
    /// Checks what was given, and reads nothing yet.
    pub(crate) fn plan(self) -> Result<Plan, Failure> {
        if self.provenance == Some(How::Auto) {
            return Ok(Plan::Provenance(self.build));
        }
        if self.build.is_given() {
            return Err(Failure::usage(
                "--builder-id, --base-image and --buildx-metadata go with --provenance auto",
            ));
        }
        if let Some(path) = self.sbom {
            return Ok(Plan::sbom(path));
        }
        if let Some(path) = self.statement {
            return Ok(Plan::Statement(path));
        }
        let (Some(kind), Some(path)) = (self.kind, self.predicate) else {
            return Err(Failure::usage(
                "give --type and --predicate, --sbom, --provenance or --statement",
            ));
        };
        let parsed: PredicateType = kind.parse().map_err(Failure::usage)?;
        Ok(if parsed.uri() == PredicateType::CUSTOM {
            Plan::Custom(path)
        } else {
            Plan::Json(parsed, path)
        })
    }
}

impl Plan {
    /// What `--sbom` asks for.
    pub(crate) fn sbom(path: PathBuf) -> Self {
        if path.as_os_str() == AUTO {
            Self::Generated
        } else {
            Self::Sbom(path)
        }
    }

    /// The statements about an image, and before them those about its members.
    pub(crate) async fn about(
        &self,
        context: &Context,
        image: &Image,
        now: Timestamp,
    ) -> Result<Vec<About>, Failure> {
        let Self::Generated = self else {
            let name = image.repository.to_string();
            let built = self.build(context, &name, image.digest(), now)?;
            let image = image.clone();
            return Ok(vec![About { image, built }]);
        };
        let made = generate(context, image).await?.into_iter();
        let each = made.map(|Generated { image, document }| {
            let subject = Subject::new(image.repository.to_string(), image.digest());
            let predicate_type = PredicateType::from_uri(PredicateType::CYCLONEDX);
            let document = document.trim_ascii_end();
            let statement = statement_bytes(predicate_type.uri(), &[subject], document);
            let built = Built {
                statement,
                predicate_type,
            };
            About { image, built }
        });
        Ok(each.collect())
    }

    /// The file with the predicate, where it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Custom(path) | Self::Json(_, path) | Self::Sbom(path) | Self::Statement(path) => {
                Some(path)
            }
            Self::Provenance(_) | Self::Generated => None,
        }
    }

    /// The statement that is to be signed as it is, and what it is about, where
    /// nothing else says that.
    pub(crate) fn alone(&self) -> Result<(Built, Digest), Failure> {
        let Self::Statement(path) = self else {
            return Err(Failure::usage("give the file that the statement is about"));
        };
        statement::given(path, read(path, Vec::new())?, None)
    }

    /// Reads the predicate and builds the statement around it.
    ///
    /// A large predicate is read into the statement itself and held once.
    pub(crate) fn build(
        &self,
        context: &Context,
        subject_name: &str,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Built, Failure> {
        let subjects = [Subject::new(subject_name, digest)];
        match self {
            Self::Custom(path) => {
                let text = String::from_utf8(read(path, Vec::new())?).map_err(|_| {
                    Failure::new(format_args!("`{}` is not UTF-8 text", path.display()))
                })?;
                let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
                let predicate = custom_predicate(&text, &second.to_string());
                let predicate_type = PredicateType::from_uri(PredicateType::CUSTOM);
                let statement = statement_bytes(predicate_type.uri(), &subjects, &predicate);
                Ok(Built {
                    statement,
                    predicate_type,
                })
            }
            Self::Json(predicate_type, path) => {
                let (mut statement, start) = read_around(path, predicate_type.uri(), &subjects)?;
                let predicate = statement.get(start..).unwrap_or_default();
                check_object(predicate).map_err(|why| about(path, why))?;
                if let Some(Err(why)) = ProvenanceView::parse(predicate_type, predicate) {
                    context.warn(format_args!(
                        "`{}` is signed as {predicate_type}, and readers will not find it to be \
                         one: {why}",
                        path.display()
                    ));
                }
                statement.extend_from_slice(STATEMENT_SUFFIX);
                Ok(Built {
                    statement,
                    predicate_type: predicate_type.clone(),
                })
            }
            Self::Provenance(build) => {
                let predicate = build.predicate(context)?;
                let predicate_type = PredicateType::from_uri(PredicateType::SLSA_PROVENANCE_V1);
                let statement = statement_bytes(predicate_type.uri(), &subjects, &predicate);
                Ok(Built {
                    statement,
                    predicate_type,
                })
            }
            Self::Sbom(path) => sbom(context, path, &subjects, digest),
            Self::Statement(path) => {
                let content = read(path, Vec::new())?;
                statement::given(path, content, Some(digest)).map(|(built, _)| built)
            }
            Self::Generated => Err(Failure::usage(
                "`--sbom auto` looks into an image's layers, and this is no image",
            )
            .hint("give the SBOM as a file: `waxseal sbom FOLDER -o cyclonedx-json -f FILE` makes one")),
        }
    }
}

fn sbom(
    context: &Context,
    path: &Path,
    subjects: &[Subject],
    digest: &Digest,
) -> Result<Built, Failure> {
    let mut content = read(path, Vec::new())?;
    let sbom = waxseal_sbom::detect(&content).map_err(|why| about(path, why))?;
    check_object(&content).map_err(|why| about(path, why))?;
    let matched = check_subject(&sbom, digest).map_err(|why| {
        let hint = matches!(why, SbomError::OtherImage { .. }).then_some(
            "attest the image that it describes; `--type … --predicate FILE` makes no such check",
        );
        about(path, why).maybe_hint(hint)
    })?;
    let says = match matched {
        SubjectMatch::Named => "and names this digest",
        _ => "and names no image by digest",
    };
    context.note(format_args!(
        "`{}` is {} with {} component{} {says}",
        path.display(),
        sbom.format,
        sbom.components,
        if sbom.components == 1 { "" } else { "s" }
    ));
    let predicate_type = PredicateType::from_uri(sbom.format.predicate_type());
    // Only the document says which type stands before it, so it is moved up in
    // its buffer, which has room for that, rather than held twice.
    content.truncate(content.trim_ascii_end().len());
    content.splice(0..0, statement_prefix(predicate_type.uri(), subjects));
    content.extend_from_slice(STATEMENT_SUFFIX);
    Ok(Built {
        statement: content,
        predicate_type,
    })
}

/// The statement up to and with the predicate, and where the predicate begins.
fn read_around(
    path: &Path,
    predicate_type: &str,
    subjects: &[Subject],
) -> Result<(Vec<u8>, usize), Failure> {
    let prefix = statement_prefix(predicate_type, subjects);
    let start = prefix.len();
    let mut statement = read(path, prefix)?;
    let end = statement.trim_ascii_end().len();
    statement.truncate(end.max(start));
    Ok((statement, start))
}

/// Appends a file to `buffer`, in one allocation where its length is known.
fn read(path: &Path, mut buffer: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let failed = |cause| Failure::file("read", path, cause);
    let too_large = |n: u64| {
        about(
            path,
            format_args!("it is larger than {n} bytes, too large for a predicate"),
        )
    };
    let (reader, known): (Box<dyn Read>, u64) = if is_stdin(path) {
        (Box::new(stdin().lock()), 0)
    } else {
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        (Box::new(file), length)
    };
    if known > LIMIT {
        return Err(too_large(LIMIT));
    }
    let room = usize::try_from(known).unwrap_or_default();
    buffer.reserve_exact(room.saturating_add(ROOM));
    let read = reader
        .take(LIMIT + 1)
        .read_to_end(&mut buffer)
        .map_err(failed)?;
    if u64::try_from(read).is_ok_and(|n| n > LIMIT) {
        return Err(too_large(LIMIT));
    }
    Ok(buffer)
}

fn check_object(bytes: &[u8]) -> Result<(), String> {
    check_json(bytes).map_err(|e| e.to_string())?;
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err("a predicate is a JSON object".to_owned());
    }
    Ok(())
}

fn about(path: &Path, why: impl std::fmt::Display) -> Failure {
    let why = escaped(&why.to_string());
    Failure::new(format_args!("`{}`: {why}", path.display()))
}

/// For `--sbom`: make it. A file of this name is `./auto`.
pub(crate) const AUTO: &str = "auto";
/// The bundle around it has to stay under the 128 MiB that cosign reads.
const LIMIT: u64 = 90 * 1024 * 1024;
/// What a statement has around its predicate; most have less than half of it.
const ROOM: usize = 1024;
