#![no_main]

#[path = "../../tests/it/fuzz_bodies/auth.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::authorization_header(data));
