#![no_main]

#[path = "../../tests/it/fuzz_bodies/headers.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::permissions_policy(data));
