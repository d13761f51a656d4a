//! The id of an object, and what ids look like.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::str;
use std::sync::Arc;

use super::ExtractError;

/// A UUID has 36 bytes; with its length the value has 40.
const INLINE: usize = 38;

/// The longest id that is read, in bytes. Longer ones are [`ExtractError::Malformed`].
pub(crate) const MAX_ID: usize = 256;

/// The id of an object as text.
///
/// Up to 38 bytes are held inside, so that numbers and UUIDs allocate nothing; a longer one is shared by its clones.
///
/// # Example
///
/// ```
/// use tower_security::ownership::ResourceId;
///
/// let id = ResourceId::from("7");
/// assert_eq!(&*id, "7");
/// ```
#[derive(Clone)]
pub struct ResourceId(Text);

#[derive(Clone)]
enum Text {
    Inline { length: u8, bytes: [u8; INLINE] },
    Shared(Arc<str>),
}

impl ResourceId {
    /// Returns the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Inline { length, bytes } => {
                // It was made of a whole text, so that neither fails.
                let bytes = bytes.get(..usize::from(*length)).unwrap_or_default();
                str::from_utf8(bytes).unwrap_or_default()
            }
            Text::Shared(text) => text,
        }
    }

    fn into_ascii_lowercase(mut self) -> Self {
        match &mut self.0 {
            Text::Inline { bytes, .. } => bytes.make_ascii_lowercase(),
            Text::Shared(text) => *text = text.to_ascii_lowercase().into(),
        }
        self
    }
}

impl From<&str> for ResourceId {
    fn from(text: &str) -> Self {
        let mut bytes = [0; INLINE];
        match (u8::try_from(text.len()), bytes.get_mut(..text.len())) {
            (Ok(length), Some(place)) => {
                place.copy_from_slice(text.as_bytes());
                Self(Text::Inline { length, bytes })
            }
            _ => Self(Text::Shared(text.into())),
        }
    }
}

impl From<String> for ResourceId {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<&Self> for ResourceId {
    fn from(id: &Self) -> Self {
        id.clone()
    }
}

macro_rules! from_numbers {
    ($($number:ty)*) => {
        $(
            impl From<$number> for ResourceId {
                fn from(number: $number) -> Self {
                    number.to_string().into()
                }
            }
        )*
    };
}

from_numbers!(i32 i64 u32 u64);

impl Deref for ResourceId {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for ResourceId {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for ResourceId {
    fn borrow(&self) -> &str {
        self
    }
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ResourceId {}

// As that of `str`, so that `Borrow` keeps its promise.
impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// What the ids of one kind of object look like. What looks different is answered as if it did not exist, and nobody is asked about it.
///
/// The shape is stricter than `str::parse`: every object has exactly one spelling, so that the program behind cannot read another
/// object out of the same text.
///
/// | shape | accepted | refused |
/// |---|---|---|
/// | `Any` | `7`, `meeting notes` | empty, control characters, over 256 bytes |
/// | `U64` | `0`, `18446744073709551615` | `01`, `+1`, `-1`, `1.0`, `1_0`, `18446744073709551616` |
/// | `I64` | `0`, `-7` | `-0`, `+7`, `9223372036854775808` |
/// | `Uuid` | `67e55044-10b1-426f-9247-bb680e5fe0c8`, in upper case too | braces, `urn:uuid:`, without hyphens |
/// | `Slug` | `my-note_2` | anything but ASCII letters, digits, `-` and `_` |
///
/// # Example
///
/// ```
/// use tower_security::ownership::IdShape;
///
/// let id = IdShape::Uuid.read("67E55044-10B1-426F-9247-BB680E5FE0C8")?;
/// assert_eq!(&*id, "67e55044-10b1-426f-9247-bb680e5fe0c8");
/// assert!(IdShape::U64.read("01").is_err());
/// # Ok::<(), tower_security::ownership::ExtractError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdShape {
    /// Any text without control characters. The default.
    #[default]
    Any,
    /// Digits of a number below 2^64, without a sign and without leading zeros.
    U64,
    /// The same below 2^63, with `-` for a negative one.
    I64,
    /// 36 characters with hyphens (RFC 9562, section 4); read in lower case, whichever way it was sent.
    Uuid,
    /// ASCII letters, digits, `-` and `_`, compared exactly.
    Slug,
}

impl IdShape {
    /// Reads an id of this shape.
    ///
    /// # Errors
    ///
    /// [`ExtractError::Malformed`] for a text of another shape, an empty one and one of more than 256 bytes.
    pub fn read(self, text: &str) -> Result<ResourceId, ExtractError> {
        if text.is_empty() || text.len() > MAX_ID {
            return Err(ExtractError::Malformed);
        }
        let fits = match self {
            Self::Any => !text.contains(char::is_control),
            // So many digits are always a number, and nearly all have no more.
            Self::U64 => is_number(text) && (text.len() < 20 || text.parse::<u64>().is_ok()),
            Self::I64 => {
                let digits = text.strip_prefix('-');
                is_number(digits.unwrap_or(text))
                    && digits != Some("0")
                    && (text.len() < 19 || text.parse::<i64>().is_ok())
            }
            Self::Uuid if is_uuid(text) => {
                return Ok(ResourceId::from(text).into_ascii_lowercase());
            }
            Self::Uuid => false,
            Self::Slug => text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')),
        };
        if fits {
            Ok(text.into())
        } else {
            Err(ExtractError::Malformed)
        }
    }
}

fn is_number(text: &str) -> bool {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits && !text.is_empty() && (!text.starts_with('0') || text.len() == 1)
}

fn is_uuid(text: &str) -> bool {
    const FORM: &[u8; 36] = b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    let bytes = text.as_bytes();
    // Without a branch for each byte.
    bytes.len() == FORM.len()
        && bytes.iter().zip(FORM).fold(true, |fits, (byte, form)| {
            let is_hyphen = *form == b'-';
            fits & (is_hyphen == (*byte == b'-')) & (is_hyphen | byte.is_ascii_hexdigit())
        })
}
