#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| waxseal_fuzz::file(
    "app/node_modules/@a/b/package.json",
    bytes
));
