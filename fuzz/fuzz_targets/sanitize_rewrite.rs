#![no_main]

#[path = "../../tests/it/fuzz_bodies/sanitize_rewrite.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::rewrite(data));
