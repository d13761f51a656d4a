//! The headers in which proxies name the client.

use std::fmt;
use std::net::IpAddr;

use http::HeaderName;
use http::header::FORWARDED;

use super::address;
use super::forwarded::List;

/// The header in which the trusted proxies write the client address.
///
/// One is configured, and no other is ever read: a proxy that writes one header passes the others on as the client sent them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ForwardHeader {
    /// `CF-Connecting-IP`, written by Cloudflare: one address.
    CfConnectingIp,
    /// `CloudFront-Viewer-Address`, written by Amazon `CloudFront`: one address and its port.
    CloudFrontViewerAddress,
    /// `Fly-Client-IP`, written by the proxy of Fly.io: one address.
    FlyClientIp,
    /// `Forwarded` of RFC 7239: the `for` parameters of a list.
    ///
    /// Its quoted strings can only be read from the left. Where a proxy appends to the line that it was sent, a client can open a quote
    /// there that swallows what the proxy adds, and be [degraded](super::ClientIp::is_degraded): `BanBuilder::on_degraded` refuses
    /// such clients.
    Forwarded,
    /// `True-Client-IP`, written by Akamai and by Cloudflare: one address.
    TrueClientIp,
    /// `X-Envoy-External-Address`, written by Envoy: one address.
    XEnvoyExternalAddress,
    /// `X-Forwarded-For`: a list to which each proxy appends the address that it was called from.
    XForwardedFor,
    /// `X-Real-IP`, often configured in nginx: one address.
    XRealIp,
}

impl ForwardHeader {
    /// Returns the name of the header.
    #[must_use]
    pub const fn name(self) -> HeaderName {
        match self {
            Self::CfConnectingIp => HeaderName::from_static("cf-connecting-ip"),
            Self::CloudFrontViewerAddress => HeaderName::from_static("cloudfront-viewer-address"),
            Self::FlyClientIp => HeaderName::from_static("fly-client-ip"),
            Self::Forwarded => FORWARDED,
            Self::TrueClientIp => HeaderName::from_static("true-client-ip"),
            Self::XEnvoyExternalAddress => HeaderName::from_static("x-envoy-external-address"),
            Self::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            Self::XRealIp => HeaderName::from_static("x-real-ip"),
        }
    }

    pub(super) const fn list(self) -> Option<List> {
        match self {
            Self::Forwarded => Some(List::Forwarded),
            Self::XForwardedFor => Some(List::XForwardedFor),
            Self::CfConnectingIp
            | Self::CloudFrontViewerAddress
            | Self::FlyClientIp
            | Self::TrueClientIp
            | Self::XEnvoyExternalAddress
            | Self::XRealIp => None,
        }
    }

    /// The whole value of a header that is no list.
    pub(super) fn single(self, value: &[u8]) -> Option<IpAddr> {
        match self {
            Self::CloudFrontViewerAddress => address::viewer(value),
            Self::CfConnectingIp
            | Self::FlyClientIp
            | Self::Forwarded
            | Self::TrueClientIp
            | Self::XEnvoyExternalAddress
            | Self::XForwardedFor
            | Self::XRealIp => address::single(value),
        }
    }

    /// Whether the servers that write it call from public addresses. Fly's proxy does not: it reaches the machines of a
    /// customer over their private network.
    pub(super) const fn is_written_by_public_cdn(self) -> bool {
        matches!(
            self,
            Self::CfConnectingIp | Self::CloudFrontViewerAddress | Self::TrueClientIp
        )
    }
}

impl fmt::Display for ForwardHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CfConnectingIp => "CF-Connecting-IP",
            Self::CloudFrontViewerAddress => "CloudFront-Viewer-Address",
            Self::FlyClientIp => "Fly-Client-IP",
            Self::Forwarded => "Forwarded",
            Self::TrueClientIp => "True-Client-IP",
            Self::XEnvoyExternalAddress => "X-Envoy-External-Address",
            Self::XForwardedFor => "X-Forwarded-For",
            Self::XRealIp => "X-Real-IP",
        })
    }
}
