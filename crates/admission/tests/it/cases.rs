//! Cases from files.
