//! Pages made from decisions and inventories, hostile ones too.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test")]

mod markup;
mod page;
mod sample;
