#![no_main]

#[path = "../../tests/it/fuzz_bodies/audit.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::audit_lines(data));
