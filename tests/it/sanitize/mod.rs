//! `SanitizeLayer`.

mod json;
mod json_model;
mod json_suite;
mod multipart;
