#![no_main]

#[path = "../../tests/it/fuzz_bodies/refresh.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::refresh_token(data));
