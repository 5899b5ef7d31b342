//! The program as people run it: arguments in; stdout, stderr and exit code out.

mod blobs;
mod keys;
mod run;
mod sign;
