//! What the stack knows of the layer for input.

use super::posture::{Posture, PostureEntry};
use super::protections::warn_of_mode;
use super::slot::Protection;
use crate::sanitize::SanitizeLayer;

impl Protection for SanitizeLayer {
    fn describe(&self, posture: &mut Posture) {
        let mode = self.mode();
        let (enforced, reported) = self.rule_counts();
        let mut entry = PostureEntry::new("sanitize", mode.into())
            .setting("preset", self.preset())
            .setting("enforced", enforced.to_string())
            .setting("reported", reported.to_string())
            .setting("body_limit", self.body_limit().to_string())
            .setting("multipart", self.multipart());
        let (html, detectors) = self.field_counts();
        for (name, count) in [("html_fields", html), ("detectors", detectors)] {
            if count > 0 {
                entry = entry.setting(name, count.to_string());
            }
        }
        if self.passes_grpc() {
            entry = entry.setting("grpc", "on");
        }
        if self.exempts_bodies() {
            entry = entry.setting("exempt", "some bodies");
        }
        posture.add(entry);
        warn_of_mode("sanitize", mode, posture);
        for name in self.dangerous() {
            posture.warn(format!("sanitize: {name}"));
        }
    }
}
