#![no_main]

#[path = "../../tests/it/fuzz_bodies/csp_report.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::csp_report(data));
