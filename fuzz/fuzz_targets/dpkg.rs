#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| waxseal_fuzz::file("var/lib/dpkg/status", bytes));
