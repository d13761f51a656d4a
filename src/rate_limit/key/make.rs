//! The keys there are.

use std::any::type_name;
use std::hash::Hash;
use std::sync::Arc;

use http::HeaderName;
use http::request::Parts;

use super::prefix::Prefix;
use super::spec::Kind;
use super::{Key, KeyHasher, KeyOutcome};

/// The address of the client: an IPv4 address, or the /64 of an IPv6 one, which is what a subscriber has.
///
/// Whose address it is follows from [`TrustedProxies`](crate::core::TrustedProxies); by default no header is believed. An address
/// behind a header that cannot be read ([`ClientIp::is_degraded`](crate::core::ClientIp::is_degraded)) is counted apart from the
/// proxy that bears it. Many people share an address behind a carrier's NAT: where users are known, limit [`principal()`] more
/// closely.
pub const fn client_ip() -> Key {
    Key(Kind::Client(Prefix::SUBSCRIBER))
}

/// The network of the client: the first `v4` or `v6` bits of its address.
///
/// For a second policy beside [`client_ip()`]: hosting companies give one customer a /56 or a /48. Permitted: 8 to 32 and 32 to 64.
/// Rejected: `client_prefix(0, 0)`, which is [`global()`], and `client_prefix(32, 128)`, since one host has 2^64 such addresses.
pub const fn client_prefix(v4: u8, v6: u8) -> Key {
    Key(Kind::Client(Prefix::SUBSCRIBER.widths(v4, v6)))
}

/// Each address by itself, also of IPv6.
///
/// **Breaks**: whoever has one IPv6 connection has 2^64 addresses, and as many budgets. It is for networks in which somebody else
/// hands out single addresses.
pub const fn dangerous_full_v6() -> Key {
    Key(Kind::Client(Prefix::SUBSCRIBER.full_v6()))
}

/// The [`Principal`](crate::core::Principal) that an authentication layer attached: tenant, issuer and subject.
///
/// An anonymous request counts by [`client_ip()`], in a key space of its own. The layer stands inside the authentication, or every
/// request is anonymous to it. What a token merely says of itself is no key: callers would write themselves budgets.
pub const fn principal() -> Key {
    Key(Kind::Principal { or_address: true })
}

/// The [`Principal`](crate::core::Principal) that an authentication layer attached; an anonymous request has no key.
pub const fn principal_only() -> Key {
    Key(Kind::Principal { or_address: false })
}

/// A request extension, by its [`Hash`] implementation; without one there is no key.
///
/// What your own code found out and the client cannot choose. The bytes of a `Hash` implementation may differ between nodes: with a
/// store that several share this key is refused, and [`custom`] names the bytes.
///
/// # Example
///
/// ```
/// use tower_security::rate_limit::key;
///
/// #[derive(Clone, Hash)]
/// struct Customer(u64);
///
/// let key = key::extension::<Customer>();
/// # let _ = key;
/// ```
pub fn extension<T: Hash + Send + Sync + 'static>() -> Key {
    Key(Kind::Extension(
        |extensions, hasher| match extensions.get::<T>() {
            Some(value) => {
                value.hash(hasher);
                KeyOutcome::Set
            }
            None => KeyOutcome::Missing,
        },
        type_name::<T>(),
    ))
}

/// Everybody together: what the service as a whole can take.
///
/// Such a limit is a tool for whoever wants to keep others out. Set it far above the limit of one client, and prefer to shed load.
pub const fn global() -> Key {
    Key(Kind::Global)
}

/// The route as the router knows it, `/orders/{id}`: with feature `axum`, inside its routing.
///
/// All requests without a template count together: with the path itself as a key, every path that a client invents would be a fresh
/// budget. Outside axum put a type of your own into the extensions, see [`extension`]. Methods of a route share its count.
pub const fn route() -> Key {
    Key(Kind::Route)
}

/// Each combination of several keys: `all((client_ip(), route()))` is a budget for each route and address.
///
/// The first one that is missing or skipped decides for all. So it multiplies budgets; for one more limit write one more policy.
pub fn all(keys: impl Into<KeyList>) -> Key {
    Key(Kind::All(keys.into().0))
}

/// What `key` writes into the hasher, and returns.
///
/// It sees the head of the request, never the body. Write what names the caller by [`KeyHasher::str`], [`bytes`](KeyHasher::bytes),
/// [`u64`](KeyHasher::u64) and [`ip`](KeyHasher::ip), whose bytes are the same on every node.
///
/// # Example
///
/// ```
/// use tower_security::core::Principal;
/// use tower_security::rate_limit::key::{self, KeyOutcome};
///
/// // Each customer, whoever of its people asks.
/// let tenant = key::custom(|parts, hasher| {
///     let principal = Principal::from_extensions(&parts.extensions);
///     match principal.and_then(Principal::tenant) {
///         Some(tenant) => {
///             hasher.str(tenant);
///             KeyOutcome::Set
///         }
///         None => KeyOutcome::Missing,
///     }
/// });
/// # let _ = tenant;
/// ```
pub fn custom(key: impl Fn(&Parts, &mut KeyHasher) -> KeyOutcome + Send + Sync + 'static) -> Key {
    Key(Kind::Custom(Arc::new(key)))
}

/// What the client writes into a header.
///
/// **Breaks**: a fresh value is a fresh budget. It limits nobody who does not want to be limited, and is of use only behind something
/// that checks the value, or combined: `all((client_ip(), dangerous_header("x-session")))` with another policy for the address
/// alone.
///
/// A request without the header, with an empty or longer value than 256 bytes, or with two such lines has no key. Rejected: what is no
/// header name.
///
/// # Example
///
/// ```
/// use tower_security::rate_limit::key;
///
/// let key = key::dangerous_header("x-api-key").or(key::client_ip());
/// # let _ = key;
/// ```
pub fn dangerous_header(name: impl AsRef<str>) -> Key {
    let name = name.as_ref();
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(name) => Key(Kind::Header(name)),
        Err(_) => Key(Kind::BadHeader(
            name.chars().take(80).collect::<String>().into(),
        )),
    }
}

/// Two or three keys, for [`all`]: made of a tuple.
#[derive(Clone, Debug)]
pub struct KeyList(Arc<[Key]>);

impl From<(Key, Key)> for KeyList {
    fn from((first, second): (Key, Key)) -> Self {
        Self(Arc::new([first, second]))
    }
}

impl From<(Key, Key, Key)> for KeyList {
    fn from((first, second, third): (Key, Key, Key)) -> Self {
        Self(Arc::new([first, second, third]))
    }
}
