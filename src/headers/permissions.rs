//! `Permissions-Policy`: which features of the browser a page and its frames may use.

use std::fmt::{self, Write as _};

use http::HeaderValue;

use super::error::{FeatureProblem, HeadersConfigError};
use super::feature::Feature;
use crate::core::Mistakes;
use crate::core::origin::OriginPattern;

/// Who may use a feature.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Allow {
    /// Every origin in a frame, if the frame's `allow` attribute says so. It stands alone.
    Any,
    /// The page's own origin.
    SelfOrigin,
    /// An origin, or all below a domain. See [`origin`](Self::origin).
    Origin(Box<str>),
}

impl Allow {
    /// Names an origin, as browsers write it.
    ///
    /// Accepted: `https://a.example`, `https://a.example:8443`, `https://*.a.example`. Refused when the layer is built:
    /// `https://a.example/`, `'self'`, `a.example`, `https://a.example:*`.
    #[must_use]
    pub fn origin(origin: impl Into<Box<str>>) -> Self {
        Self::Origin(origin.into())
    }
}

/// Which features a page may use, in the order of the header ([Permissions Policy], [RFC 9651]).
///
/// What a policy does not name stays as the feature's own default, which for most is the page's own origin.
///
/// # Example
///
/// ```
/// use tower_security::headers::{Allow, Feature, PermissionsPolicy, SecurityHeadersLayer};
///
/// let policy = PermissionsPolicy::deny([Feature::Camera, Feature::Microphone])
///     .allow(Feature::Fullscreen, [Allow::SelfOrigin, Allow::origin("https://video.example")]);
/// let layer = SecurityHeadersLayer::builder().permissions_policy(policy).build()?;
/// let value = layer.headers().find(|(name, _)| *name == "permissions-policy").map(|(_, value)| value.as_bytes());
/// assert_eq!(value, Some(&br#"camera=(), microphone=(), fullscreen=(self "https://video.example")"#[..]));
///
/// let wrong = PermissionsPolicy::new().allow(Feature::Fullscreen, [Allow::origin("'self'")]);
/// assert!(SecurityHeadersLayer::builder().permissions_policy(wrong).build().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [Permissions Policy]: https://www.w3.org/TR/permissions-policy/
/// [RFC 9651]: https://www.rfc-editor.org/rfc/rfc9651#section-3.2
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a policy does nothing until it is given to a builder"]
pub struct PermissionsPolicy(Vec<(Feature, Vec<Allow>)>);

impl PermissionsPolicy {
    /// Starts without a feature.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Turns features off, for the page and all its frames.
    pub fn deny(features: impl IntoIterator<Item = Feature>) -> Self {
        let features = features.into_iter();
        Self(features.map(|feature| (feature, Vec::new())).collect())
    }

    /// Starts from the policy of [`Preset::Web`](super::Preset::Web), to [`replace`](Self::replace) some of it.
    pub fn web() -> Self {
        use Feature as F;
        Self::deny([F::Accelerometer])
            .own([F::Autoplay])
            .and_deny([F::BrowsingTopics, F::Camera, F::ClipboardRead])
            .own([F::ClipboardWrite])
            .and_deny([F::DisplayCapture])
            .own([F::EncryptedMedia, F::Fullscreen])
            .and_deny([F::Gamepad, F::Geolocation, F::Gyroscope, F::Hid])
            .and_deny([F::IdleDetection, F::LocalFonts, F::Magnetometer])
            .and_deny([F::Microphone, F::Midi, F::Payment])
            .own([F::PictureInPicture, F::PublickeyCredentialsCreate])
            .own([F::PublickeyCredentialsGet, F::ScreenWakeLock])
            .and_deny([F::Serial, F::Usb, F::WindowManagement])
            .and_deny([F::XrSpatialTracking])
    }

    /// Grants a feature; an empty list turns it off.
    ///
    /// A feature that the policy names already is a mistake when the layer is built: [`replace`](Self::replace) changes it.
    pub fn allow(mut self, feature: Feature, to: impl IntoIterator<Item = Allow>) -> Self {
        self.0.push((feature, to.into_iter().collect()));
        self
    }

    /// Changes what the policy says of a feature, in its place; adds it if the policy says nothing of it.
    pub fn replace(mut self, feature: Feature, to: impl IntoIterator<Item = Allow>) -> Self {
        let known = self
            .0
            .iter_mut()
            .find(|(known, _)| known.as_str() == feature.as_str());
        match known {
            Some((_, allowed)) => {
                *allowed = to.into_iter().collect();
                self
            }
            None => self.allow(feature, to),
        }
    }

    fn and_deny<const N: usize>(self, features: [Feature; N]) -> Self {
        features
            .into_iter()
            .fold(self, |policy, feature| policy.allow(feature, []))
    }

    fn own<const N: usize>(self, features: [Feature; N]) -> Self {
        features.into_iter().fold(self, |policy, feature| {
            policy.allow(feature, [Allow::SelfOrigin])
        })
    }

    /// The value of the header, or what is wrong.
    pub(super) fn compile(&self, mistakes: &mut Mistakes, path: &str) -> Option<HeaderValue> {
        if self.0.is_empty() {
            mistakes.push(
                path,
                HeadersConfigError::InvalidValue {
                    what: "Permissions-Policy",
                    value: String::new(),
                    instead: "name a feature, or leave the header out by `without`",
                },
            );
            return None;
        }
        let mut sound = true;
        for (index, (feature, allowed)) in self.0.iter().enumerate() {
            let mut wrong = |problem| {
                sound = false;
                mistakes.push(
                    format!("{path}[{index}]"),
                    HeadersConfigError::InvalidFeature {
                        feature: feature.as_str().to_owned(),
                        problem,
                    },
                );
            };
            if !is_feature_name(feature.as_str()) {
                wrong(FeatureProblem::Name);
            }
            let mut before = self.0.iter().take(index);
            if before.any(|(known, _)| known.as_str() == feature.as_str()) {
                wrong(FeatureProblem::Repeated);
            }
            if allowed.contains(&Allow::Any) && allowed.len() > 1 {
                wrong(FeatureProblem::AnyBesideOthers);
            }
            for (index, one) in allowed.iter().enumerate() {
                if let Allow::Origin(origin) = one
                    && !is_origin(origin)
                {
                    wrong(FeatureProblem::Origin(origin.to_string()));
                }
                if allowed.iter().take(index).any(|known| known == one) {
                    wrong(FeatureProblem::RepeatedOrigin);
                }
            }
        }
        if !sound {
            return None;
        }
        // What was checked is visible ASCII.
        HeaderValue::try_from(self.to_string()).ok()
    }
}

/// The dictionary of RFC 9651, section 4.1.2. It is well-formed when the policy is.
impl fmt::Display for PermissionsPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (feature, allowed)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(feature.as_str())?;
            if let [Allow::Any] = allowed.as_slice() {
                f.write_str("=*")?;
                continue;
            }
            f.write_str("=(")?;
            for (index, one) in allowed.iter().enumerate() {
                if index > 0 {
                    f.write_char(' ')?;
                }
                match one {
                    Allow::Any => f.write_char('*')?,
                    Allow::SelfOrigin => f.write_str("self")?,
                    Allow::Origin(origin) => write!(f, "\"{origin}\"")?,
                }
            }
            f.write_char(')')?;
        }
        Ok(())
    }
}

/// The names of the registry; RFC 9651 would allow more.
fn is_feature_name(name: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(rest)
}

/// Browsers compare serialised origins, and know `*.` but no other pattern.
fn is_origin(text: &str) -> bool {
    OriginPattern::parse(text).is_ok_and(|pattern| !pattern.allows_any_port())
}
