#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| waxseal_fuzz::file(
    "usr/lib/ruby/specifications/rake-13.0.6.gemspec",
    bytes
));
