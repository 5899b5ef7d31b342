//! The services that stand behind a signature: the certificate authority, the
//! transparency logs, the timestamp authorities.
//!
//! What they answer is untrusted: it is read within bounds and goes through
//! the verifier before it is used for anything.

mod call;
mod error;
pub(crate) mod fulcio;
mod http;
mod plan;
pub(crate) mod rekor;
mod said;
pub(crate) mod tsa;

pub(crate) use self::call::Call;
pub use self::error::{Service, ServiceError};
pub use self::http::{Http, HttpOptions};
pub(crate) use self::plan::{Choice, under};
pub use self::plan::{Endpoint, RekorVersion, Services, public_good_trusted_root};
pub(crate) use self::said::said;
