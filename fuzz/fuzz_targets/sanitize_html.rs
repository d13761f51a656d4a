#![no_main]

#[path = "../../tests/it/fuzz_bodies/sanitize_html.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|data: &[u8]| body::html(data));
