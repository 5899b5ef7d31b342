//! `sign` and `attest`, on registries with and without the referrers API.
