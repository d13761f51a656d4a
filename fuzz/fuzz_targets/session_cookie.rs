#![no_main]

#[path = "../../tests/it/fuzz_bodies/sessions.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::session_cookie(data));
