//! Answers the admission reviews of a Kubernetes API server from image policies.
//!
//! `POST /validate` and `POST /mutate` take an AdmissionReview (v1),
//! `POST /image-review` an ImageReview (v1alpha1). Every image that the object
//! names is decided on by a [`Decider`](decider::Decider), which in the program
//! is the same gate as that of the command line; the answer comes inside the API
//! server's deadline whatever the registry does.
//!
//! What this crate refuses to do: it cannot sign, it writes nothing to a
//! cluster or a registry, it keeps no state that a second replica would need,
//! and it believes nothing that the author of an object can write into it.
//! What could not be checked is refused, and says so.
//!
//! The layers, from pure to not: [`kinds`] finds images in objects, [`review`]
//! says what must be checked and what to answer, [`check`] asks the decider in
//! time, [`http`] and [`serve`] are the server.

pub mod args;
pub mod check;
pub mod decider;
mod files;
pub mod http;
pub mod limits;
pub mod metrics;
pub mod once;
pub mod policies;
pub mod review;
pub mod run;
pub mod serve;
mod tls;

pub use waxseal_gate::kinds;
