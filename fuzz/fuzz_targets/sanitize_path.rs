#![no_main]

#[path = "../../tests/it/fuzz_bodies/sanitize_head.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::path(data));
