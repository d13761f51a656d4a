//! The words that every layer speaks. This room knows no layer.

mod clock;
mod config;
mod pattern;
mod reload;
mod secret;
pub(crate) mod text;

pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{ConfigError, ConfigErrorKind, ConfigErrors, ErrorClass, Mode};
pub use pattern::{CanonicalPath, PathParams, Template, TemplateError, TemplateSyntax};
pub use reload::{Loaded, Reload, ReloadHandle};
pub use secret::Secret;
