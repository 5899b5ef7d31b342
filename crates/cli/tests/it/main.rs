//! The program as people run it: arguments in; stdout, stderr and exit code out.

mod blobs;
mod built;
mod cosign2;
mod cosign_words;
mod evidence;
mod frame;
mod keyless;
mod keys;
mod moving;
mod policies;
mod policy_test;
mod provenance;
mod published;
mod registry;
mod release;
mod report;
mod run;
mod sbom;
mod sbom_auto;
mod sbom_verify;
mod scans;
mod sign;
mod thresholds;
mod trust;
mod verify;
mod workloads;
