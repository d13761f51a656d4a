//! What the stack knows of the layer for sizes and times.

use super::posture::{Posture, PostureEntry};
use super::protections::warn_of_mode;
use super::slot::Protection;
use crate::limits::{Limit, LimitsLayer};

impl Protection for LimitsLayer {
    fn describe(&self, posture: &mut Posture) {
        let (mode, config) = (self.mode(), self.config());
        let mut entry = PostureEntry::new("limits", mode.into());
        for (limit, value) in [
            (Limit::BodyLimit, config.body_limit.to_string()),
            (Limit::BodyIdle, format!("{:?}", config.body_idle)),
            (Limit::BodyTime, format!("{:?}", config.body_time)),
            (Limit::StreamIdle, format!("{:?}", config.stream_idle)),
            (Limit::ResponseTime, format!("{:?}", config.response_time)),
            (Limit::AnswerIdle, format!("{:?}", config.answer_idle)),
            (Limit::MaxConcurrent, config.max_concurrent.to_string()),
        ] {
            let is_off = config.dangerous_unlimited.contains(&limit);
            let value = if is_off { "none".to_owned() } else { value };
            entry = entry.setting(limit.as_str(), value);
        }
        if config.grpc {
            entry = entry.setting("grpc", "yes");
        }
        if !config.routes.is_empty() {
            entry = entry.setting("routes", config.routes.len().to_string());
        }
        for route in &config.routes {
            entry = entry.setting("route", route.told());
        }
        posture.add(entry);
        warn_of_mode("limits", mode, posture);
        for (limit, route) in self.dangerous() {
            let on = route.map(|route| format!(" on {route}"));
            let on = on.unwrap_or_default();
            posture.warn(format!("limits: dangerous_unlimited {limit}{on}"));
        }
    }
}
