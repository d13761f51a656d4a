#![no_main]

#[path = "../../tests/it/fuzz_bodies/ownership.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::ownership_id(data));
