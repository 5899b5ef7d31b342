//! The program `waxseal-admission`.

fn main() {}
