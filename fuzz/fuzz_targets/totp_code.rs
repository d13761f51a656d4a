#![no_main]

#[path = "../../tests/it/fuzz_bodies/mfa.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::totp_code(data));
