//! Policies, facts and decisions, from outside.

mod corpus;
mod decisions;
mod evidence;
mod patterns;
mod properties;
mod rendering;
mod schema;
mod shipped;
