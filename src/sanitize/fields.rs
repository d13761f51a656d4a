//! The fields of bodies that are cleaned or shown to detectors.

use super::content_type::BodyClass;
use super::report::Violation;
use super::rule_set::RuleSet;
use crate::core::Mode;

/// A body in which fields were cleaned.
pub(super) struct Cleaned {
    pub(super) body: Vec<u8>,
    /// The fields that are other than they came.
    pub(super) changed: Vec<Box<str>>,
}

/// What is looked for in bodies.
#[derive(Debug, Default)]
pub(super) struct FieldRules {}

impl FieldRules {
    pub(super) const fn is_empty(&self) -> bool {
        true
    }

    pub(super) const fn counts(&self) -> (usize, usize) {
        (0, 0)
    }

    pub(super) fn look_at(
        &self,
        _class: &BodyClass,
        _body: &[u8],
        _mode: Mode,
        _reported: &mut RuleSet,
    ) -> Result<Option<Cleaned>, Violation> {
        Ok(None)
    }
}

impl super::MultipartRules {
    pub(super) fn inspect(&self, _: Option<&[u8]>, _: &[u8]) -> Result<RuleSet, Violation> {
        Ok(RuleSet::EMPTY)
    }
}
