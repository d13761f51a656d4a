//! Stored hashes: PHC strings of Argon2, and bcrypt. They are parsed, and their cost judged, before anything is allocated for them.

use std::fmt;
use std::ops::RangeInclusive;

use argon2::{Algorithm, Argon2, AssociatedData, Block, ParamsBuilder, Version};
use zeroize::Zeroize;

use super::cost::{Argon2Cost, Ceiling, bcrypt_passes};
use super::error::PasswordFault;
use crate::core::{base64, constant_time_eq};

/// With the longest salt, tag, key id and data, all numbers in full, a hash of Argon2 has 292 characters. One that is longer than this is
/// not looked at.
const MAX_LENGTH: usize = 512;
/// RFC 9106, section 3.1.
const MIN_SALT: usize = 8;
/// A shorter tag is found by trying.
const MIN_TAG: usize = 16;
/// Of a salt, and of a tag.
const MAX_PART: usize = 64;

/// A salt of new hashes, in bytes (RFC 9106, section 4).
pub(super) const SALT: usize = 16;
/// A tag of new hashes, in bytes.
pub(super) const TAG: usize = 32;

/// What is wrong with a stored hash. Events tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    CostAboveCeiling,
    CostBelowRange,
    PartTooLong,
    PartTooShort,
    PepperUnknown,
    Syntax,
    UnknownFormat,
}

impl Defect {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::CostAboveCeiling => "cost_above_ceiling",
            Self::CostBelowRange => "cost_below_range",
            Self::PartTooLong => "salt_or_tag_too_long",
            Self::PartTooShort => "salt_or_tag_too_short",
            Self::PepperUnknown => "pepper_unknown",
            Self::Syntax => "syntax",
            Self::UnknownFormat => "unknown_format",
        }
    }

    /// Whether the hash is sound and asks for too much.
    pub(super) const fn is_excess(self) -> bool {
        matches!(self, Self::CostAboveCeiling | Self::PartTooLong)
    }
}

/// Bytes in place, up to `N`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Short<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Short<N> {
    const EMPTY: Self = Self {
        bytes: [0; N],
        length: 0,
    };

    /// The first `N` bytes.
    pub(super) fn new(from: &[u8]) -> Self {
        let mut short = Self::EMPTY;
        for (to, from) in short.bytes.iter_mut().zip(from) {
            *to = *from;
        }
        short.length = from.len().min(N);
        short
    }

    fn decode(text: &str) -> Option<Self> {
        let mut short = Self::EMPTY;
        short.length = base64::decode_into(text.as_bytes(), &mut short.bytes)?;
        Some(short)
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// A stored hash.
pub(super) enum Stored {
    Argon2(Argon2Hash),
    Bcrypt(BcryptHash),
}

impl Stored {
    pub(super) fn parse(text: &str) -> Result<Self, Defect> {
        if text.len() > MAX_LENGTH {
            return Err(Defect::UnknownFormat);
        }
        if text.starts_with("$argon2") {
            return Argon2Hash::parse(text).map(Self::Argon2);
        }
        BcryptHash::parse(text).map(Self::Bcrypt)
    }

    /// Whether it may be computed.
    pub(super) fn judge(
        &self,
        ceiling: Ceiling,
        bcrypt: &RangeInclusive<u32>,
    ) -> Result<(), Defect> {
        let is_permitted = match self {
            Self::Argon2(hash) => ceiling.permits(hash.cost),
            Self::Bcrypt(hash) if hash.cost < *bcrypt.start() => {
                return Err(Defect::CostBelowRange);
            }
            Self::Bcrypt(hash) => hash.cost <= *bcrypt.end(),
        };
        is_permitted.then_some(()).ok_or(Defect::CostAboveCeiling)
    }

    /// The blocks of memory that it takes.
    pub(super) fn blocks(&self) -> usize {
        match self {
            Self::Argon2(hash) => hash.blocks(),
            Self::Bcrypt(_) => 0,
        }
    }

    /// As [`Argon2Cost::passes`].
    pub(super) fn passes(&self) -> u64 {
        match self {
            Self::Argon2(hash) => hash.cost.passes(),
            Self::Bcrypt(hash) => bcrypt_passes(hash.cost),
        }
    }
}

/// A hash of Argon2.
#[derive(Clone, Copy)]
pub(super) struct Argon2Hash {
    pub(super) algorithm: Algorithm,
    pub(super) version: Version,
    pub(super) cost: Argon2Cost,
    /// Which pepper it was made with; empty without.
    pub(super) key_id: Short<8>,
    pub(super) data: Short<32>,
    pub(super) salt: Short<MAX_PART>,
    pub(super) tag: Short<MAX_PART>,
}

impl Argon2Hash {
    /// One of today, whose tag is still to be computed.
    pub(super) fn new(cost: Argon2Cost, key_id: &[u8], salt: [u8; SALT]) -> Self {
        Self {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            cost,
            key_id: Short::new(key_id),
            data: Short::EMPTY,
            salt: Short::new(&salt),
            tag: Short::new(&[0; TAG]),
        }
    }

    fn parse(text: &str) -> Result<Self, Defect> {
        let mut parts = text.split('$').skip(1).peekable();
        let algorithm = match parts.next() {
            Some("argon2id") => Algorithm::Argon2id,
            Some("argon2i") => Algorithm::Argon2i,
            // argon2d leaks the password through the cache (RFC 9106, section 1).
            _ => return Err(Defect::UnknownFormat),
        };
        let version = match parts.next_if(|part| part.starts_with("v=")) {
            Some("v=19") => Version::V0x13,
            // The version before was not named.
            Some("v=16") | None => Version::V0x10,
            Some(_) => return Err(Defect::UnknownFormat),
        };
        let mut next = || parts.next().ok_or(Defect::Syntax);
        let (parameters, salt, tag) = (next()?, next()?, next()?);
        if parts.next().is_some() {
            return Err(Defect::Syntax);
        }

        let mut parameters = parameters.split(',').peekable();
        let mut number = |name| {
            let value = parameters.next()?.strip_prefix(name)?;
            decimal(value)
        };
        let (memory, iterations, lanes) = (number("m="), number("t="), number("p="));
        let mut bytes = |name| {
            let parameter = parameters.next_if(|part| part.starts_with(name))?;
            parameter.strip_prefix(name)
        };
        let (key_id, data) = (bytes("keyid="), bytes("data="));
        let (Some(memory), Some(iterations), Some(lanes), None) =
            (memory, iterations, lanes, parameters.next())
        else {
            return Err(Defect::Syntax);
        };
        let cost = Argon2Cost::new(memory, iterations, lanes);
        if !cost.is_defined() {
            return Err(Defect::Syntax);
        }
        Ok(Self {
            algorithm,
            version,
            cost,
            key_id: optional(key_id)?,
            data: optional(data)?,
            salt: part(salt, MIN_SALT)?,
            tag: part(tag, MIN_TAG)?,
        })
    }

    fn params(&self) -> Result<argon2::Params, PasswordFault> {
        let data = AssociatedData::new(self.data.as_slice()).map_err(|_| PasswordFault::Hash)?;
        ParamsBuilder::new()
            .m_cost(self.cost.memory_kib())
            .t_cost(self.cost.iterations())
            .p_cost(self.cost.lanes())
            .data(data)
            .build()
            .map_err(|_| PasswordFault::Hash)
    }

    /// The blocks of memory that it takes: a multiple of four for each lane.
    pub(super) fn blocks(&self) -> usize {
        self.params().map_or(0, |params| params.block_count())
    }

    /// Computes the tag of a password.
    fn compute(
        &self,
        password: &[u8],
        pepper: Option<&[u8]>,
        blocks: &mut [Block],
        tag: &mut [u8],
    ) -> Result<(), PasswordFault> {
        let pepper = pepper.unwrap_or_default();
        // No pepper and an empty one are the same to Argon2: a length of 0 (RFC 9106, section 3.2).
        Argon2::new_with_secret(pepper, self.algorithm, self.version, self.params()?)
            .and_then(|argon2| {
                let salt = self.salt.as_slice();
                argon2.hash_password_into_with_memory(password, salt, tag, blocks)
            })
            .map_err(|_| PasswordFault::Hash)
    }

    /// Whether it is the hash of this password.
    pub(super) fn matches(
        &self,
        password: &[u8],
        pepper: Option<&[u8]>,
        blocks: &mut [Block],
    ) -> Result<bool, PasswordFault> {
        let mut tag = [0; MAX_PART];
        let own = self.tag.as_slice();
        let computed = tag.get_mut(..own.len()).ok_or(PasswordFault::Hash)?;
        let outcome = self.compute(password, pepper, blocks, computed);
        let is_match = constant_time_eq(computed, own);
        tag.zeroize();
        outcome.map(|()| is_match)
    }

    /// Makes it the hash of this password.
    pub(super) fn fill(
        mut self,
        password: &[u8],
        pepper: Option<&[u8]>,
        blocks: &mut [Block],
    ) -> Result<Self, PasswordFault> {
        let mut tag = [0; TAG];
        self.compute(password, pepper, blocks, &mut tag)?;
        self.tag = Short::new(&tag);
        Ok(self)
    }

    /// Whether a hash made today would say the same of how it was made.
    pub(super) fn is_like(&self, today: &Self) -> bool {
        self.algorithm == today.algorithm
            && self.version == today.version
            && self.cost == today.cost
            && self.key_id == today.key_id
            && self.data == today.data
            && self.salt.length >= today.salt.length
            && self.tag.length == today.tag.length
    }
}

/// As a PHC string.
impl fmt::Display for Argon2Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The discriminants are the numbers of the versions.
        let version = self.version as u32;
        write!(f, "${}$v={version}${}", self.algorithm, self.cost)?;
        for (name, value) in [
            ("keyid", self.key_id.as_slice()),
            ("data", self.data.as_slice()),
        ] {
            if !value.is_empty() {
                write!(f, ",{name}={}", base64::encode(value))?;
            }
        }
        let encode = |part: &Short<MAX_PART>| base64::encode(part.as_slice());
        write!(f, "${}${}", encode(&self.salt), encode(&self.tag))
    }
}

/// A decimal number in its one spelling.
fn decimal(text: &str) -> Option<u32> {
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = text == "0" || !text.starts_with('0');
    (is_decimal && is_short).then(|| text.parse().ok())?
}

/// A parameter that may be left out, but not be empty.
fn optional<const N: usize>(text: Option<&str>) -> Result<Short<N>, Defect> {
    let Some(text) = text else {
        return Ok(Short::EMPTY);
    };
    let decoded = Short::decode(text).filter(|short| short.length > 0);
    decoded.ok_or(Defect::Syntax)
}

/// A salt or a tag.
fn part(text: &str, least: usize) -> Result<Short<MAX_PART>, Defect> {
    if text.len() > (MAX_PART * 4).div_ceil(3) {
        return Err(Defect::PartTooLong);
    }
    let decoded = Short::decode(text).ok_or(Defect::Syntax)?;
    let is_enough = decoded.length >= least;
    is_enough.then_some(decoded).ok_or(Defect::PartTooShort)
}

/// A hash of bcrypt.
pub(super) struct BcryptHash {
    text: Box<str>,
    cost: u32,
}

impl BcryptHash {
    fn parse(text: &str) -> Result<Self, Defect> {
        // `$2x$` marks hashes that a fault of another program made; the crate would accept them and compute something else.
        if !["$2a$", "$2b$", "$2y$"]
            .iter()
            .any(|known| text.starts_with(known))
        {
            return Err(Defect::UnknownFormat);
        }
        // The crate reads the cost by `parse`, to which `+4` is a number.
        let cost = text.get(4..6).filter(|cost| !cost.starts_with('+'));
        let parts: bcrypt::HashParts = text.parse().map_err(|_| Defect::Syntax)?;
        let is_cost = cost.is_some() && (4..=31).contains(&parts.get_cost());
        is_cost
            .then(|| Self {
                text: text.into(),
                cost: parts.get_cost(),
            })
            .ok_or(Defect::Syntax)
    }

    /// Whether it is the hash of this password, of which bcrypt sees the first 72 bytes.
    pub(super) fn matches(&self, password: &[u8]) -> Result<bool, PasswordFault> {
        let is_match = bcrypt::verify(password, &self.text).map_err(|_| PasswordFault::Hash)?;
        // bcrypt repeats the password and a zero up to 72 bytes: "a\0a" has the hash of "a". Other systems end it at the zero.
        Ok(is_match && !password.contains(&0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9106, section 5: 32 KiB, 3 passes, 4 lanes; and the reference implementation for version 16 (`kats/`).
    #[test]
    fn the_vectors_of_the_rfc_are_computed() {
        let tail = "m=32,t=3,p=4,data=BAQEBAQEBAQEBAQE$AgICAgICAgICAgICAgICAg";
        let password = [1; 32];
        let key = [3; 8];
        let mut blocks = vec![Block::new(); 32];
        for (head, tag) in [
            (
                "argon2id$v=19",
                "DWQN9Y14dmwIwDejSotTydAe8EUtdbZetSUg6WsB5lk",
            ),
            (
                "argon2i$v=19",
                "yBTZ0dx/N6oT8Nd/JJS9ocjeawFt04jSmVKkxGcrbOg",
            ),
            (
                "argon2id$v=16",
                "tkYV8HeJtmtkW2funtOzd641C2v8uw/JUUHqjzImE8A",
            ),
            (
                "argon2i$v=16",
                "h67t1lF6uDDNl2XNgjGrsuZHpd7gj3wF4C/LdjM10P0",
            ),
        ] {
            let text = format!("${head}${tail}${tag}");
            let hash = Argon2Hash::parse(&text).unwrap();
            assert_eq!(hash.to_string(), text);
            assert_eq!(hash.blocks(), 32);
            let mut matches = |key: Option<&[u8]>| hash.matches(&password, key, &mut blocks);
            assert_eq!(matches(Some(&key)), Ok(true), "{head}");
            assert_eq!(matches(None), Ok(false), "{head}");
            assert!(
                hash.matches(&password, Some(&key), &mut [Block::new(); 31])
                    .is_err()
            );
        }
        assert!(matches!(
            Argon2Hash::parse(&format!(
                "$argon2d$v=19${tail}$USs5G28RYpdTcdMJGXNClPho4745hPPBoTpNufq+Sss"
            )),
            Err(Defect::UnknownFormat)
        ));
    }

    #[test]
    fn what_is_parsed_is_written_again() {
        for text in [
            "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2i$v=16$m=8,t=1,p=1,keyid=MjAyNg$MDEyMzQ1Njc4$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=4294967295,t=4294967295,p=16777215,keyid=MTIzNDU2Nzg,data=BA$MDEyMzQ1Njc4$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ] {
            assert_eq!(Argon2Hash::parse(text).unwrap().to_string(), text);
        }
        let unnamed =
            "$argon2i$m=8,t=1,p=1$MDEyMzQ1Njc4$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let named = unnamed.replace("$m", "$v=16$m");
        assert_eq!(Argon2Hash::parse(unnamed).unwrap().to_string(), named);
    }
}
