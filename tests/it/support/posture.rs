//! What a posture says.

use tower_security::stack::Posture;

/// The warnings about what is there: tests of one layer leave the other slots empty.
pub(crate) fn warnings(posture: &Posture) -> Vec<&str> {
    let warnings = posture.warnings().iter().map(|warning| &**warning);
    warnings
        .filter(|warning| !warning.ends_with(": absent"))
        .collect()
}
