//! `sign-blob`, `attest-blob` and `verify-blob`.
