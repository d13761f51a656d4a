#![no_main]

#[path = "../../tests/it/fuzz_bodies/token.rs"]
#[expect(dead_code, reason = "another target runs the other body")]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::dpop_proof(data));
