mod own;
mod properties;
mod request;
mod rows;
mod set;
mod suffixes;

use super::{OriginError, OriginPattern};
use crate::core::{ConfigErrorKind, ConfigErrors};

fn refusal(text: &str) -> OriginError {
    OriginPattern::parse(text).expect_err(text)
}

fn code(text: &str) -> &'static str {
    refusal(text).code()
}

fn entries(errors: &ConfigErrors) -> Vec<(&str, &'static str)> {
    errors
        .iter()
        .map(|error| (error.path(), error.code()))
        .collect()
}
