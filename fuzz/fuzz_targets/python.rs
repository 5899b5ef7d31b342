#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| waxseal_fuzz::file(
    "usr/lib/python3/a.dist-info/METADATA",
    bytes
));
