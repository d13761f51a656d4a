#![no_main]

#[path = "../../tests/it/fuzz_bodies/password.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::phc_string(data));
