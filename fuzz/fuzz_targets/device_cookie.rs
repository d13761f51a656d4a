#![no_main]

#[path = "../../tests/it/fuzz_bodies/login.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::device_cookie(data));
