#![no_main]

#[path = "../../tests/it/fuzz_bodies/sanitize_json.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::json(data));
