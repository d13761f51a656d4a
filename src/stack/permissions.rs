//! What the stack knows of the layers that say who may what.

use super::posture::{Posture, PostureEntry, PostureState};
use super::protections::warn_of_mode;
use super::slot::Protection;
use crate::authorize::{AccessTable, RequireAuthorization, RequireLayer};
use crate::core::Mode;
use crate::ownership::{LoadGuard, OwnershipGuard};

impl Protection for RequireLayer {
    fn describe(&self, posture: &mut Posture) {
        let requirement = format!("{:?}", self.requirement());
        posture.add(PostureEntry::new("access", PostureState::On).setting("requires", requirement));
    }
}

impl Protection for AccessTable {
    fn describe(&self, posture: &mut Posture) {
        let mode = self.mode();
        let rest = match self.any_request() {
            Some(requirement) => format!("{requirement:?}"),
            None if self.hides_unmatched() => "404".to_owned(),
            None => "refused".to_owned(),
        };
        let open: Vec<_> = self.open().collect();
        let mut entry = PostureEntry::new("access", mode.into())
            .setting("rules", self.rules().count().to_string())
            .setting("rest", rest);
        if !open.is_empty() {
            entry = entry.setting("public", open.join(","));
        }
        posture.add(entry);
        warn_of_mode("access", mode, posture);
        if open.contains(&"any_request") {
            posture.warn("access: what no rule is for is public");
        }
    }
}

impl Protection for RequireAuthorization {
    fn describe(&self, posture: &mut Posture) {
        let mode = self.mode();
        let errors = if self.keeps_undecided_errors() {
            "keep"
        } else {
            "strip"
        };
        posture.add(
            PostureEntry::new("require_authorization", mode.into())
                .setting("undecided_errors", errors),
        );
        warn_of_mode("require_authorization", mode, posture);
    }
}

impl Protection for OwnershipGuard {
    fn describe(&self, posture: &mut Posture) {
        let settings = (self.denies_unmatched(), self.reveals());
        describe_ownership(self.mode(), self.rules(), settings, posture);
    }
}

impl Protection for LoadGuard {
    fn describe(&self, posture: &mut Posture) {
        let settings = (self.denies_unmatched(), self.reveals());
        describe_ownership(self.mode(), self.rules(), settings, posture);
    }
}

fn describe_ownership<'a>(
    mode: Mode,
    rules: impl Iterator<Item = Option<&'a str>>,
    (denies_unmatched, reveals): (bool, bool),
    posture: &mut Posture,
) {
    let rules: Vec<_> = rules.collect();
    let unmatched = match &*rules {
        _ if denies_unmatched => "refused",
        // The rule of one route is for all that reaches it.
        [None] => "none",
        _ => "pass",
    };
    let rules: Vec<_> = rules.iter().map(|rule| rule.unwrap_or("route")).collect();
    let denied = if reveals { "some 403" } else { "404" };
    posture.add(
        PostureEntry::new("ownership", mode.into())
            .setting("rules", rules.join(","))
            .setting("unmatched", unmatched)
            .setting("denied", denied),
    );
    warn_of_mode("ownership", mode, posture);
}
