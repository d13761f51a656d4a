#![no_main]

#[path = "../../tests/it/fuzz_bodies/csrf.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::exempt_pattern(data));
