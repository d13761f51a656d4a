#![no_main]

#[path = "../../tests/it/fuzz_bodies/clean_text.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::clean_text(data));
