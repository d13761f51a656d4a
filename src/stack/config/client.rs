//! Who the client is, and how it came: `[client_ip]`, `scheme`, `[https]`.

use std::num::NonZeroU8;
use std::time::Duration;

use http::HeaderName;
use serde::{Deserialize, Serialize};

use super::StackConfigError;
use crate::core::{ClientIpConfigError, IpNet};
use crate::core::{
    ForwardHeader, IpSet, Mistakes, Mode, ProtoHeader, RequestScheme, SchemeSource, TrustedProxies,
};
use crate::https::{Hsts, HttpsLayer, OnInsecure, RedirectHost, RedirectStatus};

/// `[client_ip]`: which peers are proxies, and in which header they name the client. The fields are the setters of
/// [`TrustedProxies::builder`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ClientIpConfig {
    /// Ranges of addresses that proxies call from, such as `10.0.0.0/8`. Default: none.
    pub nets: Vec<String>,
    /// Whether the private ranges are among them. Default: `false`.
    pub private_ranges: bool,
    /// Whether a peer on a Unix socket is. Default: `false`.
    pub unix_socket: bool,
    /// The header, such as `x_forwarded_for`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<ForwardHeader>,
    /// How many proxies there are, where they are counted and not recognised. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hops: Option<NonZeroU8>,
}

impl ClientIpConfig {
    pub(super) fn compile(&self, mistakes: &mut Mistakes) -> Option<TrustedProxies> {
        let mut builder = TrustedProxies::builder().parse_nets(&self.nets);
        if self.private_ranges {
            builder = builder.private_ranges();
        }
        if self.unix_socket {
            builder = builder.trust_unix_socket();
        }
        if let Some(header) = self.header {
            builder = builder.header(header);
        }
        if let Some(hops) = self.hops {
            builder = builder.hops(hops);
        }
        mistakes.take(builder.build())
    }
}

/// The ranges of a list, or what is wrong with each.
pub(super) fn nets(texts: &[String], path: &str, mistakes: &mut Mistakes) -> IpSet {
    let mut nets = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match text.parse::<IpNet>() {
            Ok(net) => nets.push(net),
            Err(error) => {
                let path = format!("{path}[{index}]");
                mistakes.push(path, ClientIpConfigError::BadNet(error));
            }
        }
    }
    IpSet::new(nets)
}

/// `scheme`: how it is known whether a request came over TLS, see [`SchemeSource`].
///
/// Accepted: `"tls"`, `"assume_https"`, `{ listener = "http" }`, `{ forwarded_proto = "x-forwarded-proto" }`, whose header is believed of
/// the proxies that `[client_ip]` names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum SchemeConfig {
    /// [`SchemeSource::AssumeHttps`].
    AssumeHttps,
    /// [`SchemeSource::ForwardedProto`], with the name of the header.
    ForwardedProto(String),
    /// [`SchemeSource::Listener`].
    Listener(RequestScheme),
    /// [`SchemeSource::Tls`].
    Tls,
}

impl SchemeConfig {
    pub(super) fn compile(
        &self,
        proxies: Option<&TrustedProxies>,
        mistakes: &mut Mistakes,
    ) -> Option<SchemeSource> {
        let name = match self {
            Self::AssumeHttps => return Some(SchemeSource::AssumeHttps),
            Self::Listener(scheme) => return Some(SchemeSource::Listener(*scheme)),
            Self::Tls => return Some(SchemeSource::Tls),
            Self::ForwardedProto(name) => name,
        };
        let header = match name.as_str() {
            "forwarded" => ProtoHeader::Forwarded,
            "x-forwarded-proto" => ProtoHeader::XForwardedProto,
            other => match HeaderName::from_bytes(other.as_bytes()) {
                Ok(name) => ProtoHeader::Custom(name),
                Err(_) => {
                    let mistake = StackConfigError::InvalidName {
                        what: "header",
                        value: other.to_owned(),
                        instead: "x-forwarded-proto",
                    };
                    mistakes.push("scheme.forwarded_proto", mistake);
                    return None;
                }
            },
        };
        let trusted = proxies.cloned().unwrap_or_else(TrustedProxies::direct);
        mistakes.take(SchemeSource::forwarded_proto(trusted, header))
    }
}

/// `[https]`: HTTPS alone, on known hosts. The fields are the setters of [`HttpsLayer::builder`]; the source is `scheme`, which has to be
/// there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HttpsConfig {
    /// What becomes of plain requests. Default: a redirect to the request's own host, if `allowed_hosts` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_insecure: Option<OnInsecureConfig>,
    /// The status of redirects. Default: `permanent308`.
    pub status: RedirectStatus,
    /// The hosts that requests may name. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_hosts: Option<Vec<String>>,
    /// The port that redirects lead to. Default: 443.
    pub https_port: u16,
    /// Whether `http-01` challenges pass without TLS. Default: `false`.
    pub exempt_acme: bool,
    /// Paths that pass without TLS. Default: none.
    pub exempt_path: Vec<String>,
    /// Whether requests of this machine to itself pass without TLS. Default: `false`.
    pub allow_loopback: bool,
    /// What browsers remember. Default: `two_years`.
    pub hsts: HstsConfig,
    /// The mode. Default: `enforce`.
    pub mode: Mode,
}

impl Default for HttpsConfig {
    fn default() -> Self {
        Self {
            on_insecure: None,
            status: RedirectStatus::default(),
            allowed_hosts: None,
            https_port: 443,
            exempt_acme: false,
            exempt_path: Vec::new(),
            allow_loopback: false,
            hsts: HstsConfig::default(),
            mode: Mode::default(),
        }
    }
}

/// What becomes of a request without TLS: `"reject"`, `{ redirect_to = "www.example.com" }` or
/// `{ redirect_within = ["example.com", "*.shop.example.com"] }`. See [`OnInsecure`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum OnInsecureConfig {
    /// [`RedirectHost::fixed`].
    RedirectTo(String),
    /// [`RedirectHost::allow`].
    RedirectWithin(Vec<String>),
    /// [`OnInsecure::Reject`].
    Reject,
}

/// What browsers are told to remember: `"two_years"`, `"none"`, `"disable_by_expiry"` or
/// `{ custom = { max_age_secs = 300 } }`. See [`Hsts`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum HstsConfig {
    /// [`Hsts::new`].
    #[serde(rename_all = "snake_case")]
    #[non_exhaustive]
    Custom {
        /// In seconds.
        max_age_secs: u64,
        /// See [`Hsts::include_subdomains`]. Default: `false`.
        #[serde(default)]
        include_subdomains: bool,
        /// See [`Hsts::preload`]. Default: `false`.
        #[serde(default)]
        preload: bool,
    },
    /// [`Hsts::disable_by_expiry`].
    DisableByExpiry,
    /// [`Hsts::none`].
    None,
    /// [`Hsts::two_years`]. The default.
    #[default]
    TwoYears,
}

impl HstsConfig {
    const fn compile(&self) -> Hsts {
        match *self {
            Self::TwoYears => Hsts::two_years(),
            Self::None => Hsts::none(),
            Self::DisableByExpiry => Hsts::disable_by_expiry(),
            Self::Custom {
                max_age_secs,
                include_subdomains,
                preload,
            } => {
                let mut hsts = Hsts::new(Duration::from_secs(max_age_secs));
                if include_subdomains {
                    hsts = hsts.include_subdomains();
                }
                if preload {
                    hsts = hsts.preload();
                }
                hsts
            }
        }
    }
}

impl HttpsConfig {
    pub(super) fn compile(
        &self,
        source: SchemeSource,
        mistakes: &mut Mistakes,
    ) -> Option<HttpsLayer> {
        let mut builder = HttpsLayer::builder(source)
            .status(self.status)
            .https_port(self.https_port)
            .hsts(self.hsts.compile())
            .mode(self.mode);
        builder = match &self.on_insecure {
            None => builder,
            Some(OnInsecureConfig::Reject) => builder.on_insecure(OnInsecure::Reject),
            Some(OnInsecureConfig::RedirectTo(host)) => {
                builder.on_insecure(OnInsecure::Redirect(RedirectHost::fixed(host)))
            }
            Some(OnInsecureConfig::RedirectWithin(hosts)) => {
                builder.on_insecure(OnInsecure::Redirect(RedirectHost::allow(hosts)))
            }
        };
        if let Some(hosts) = &self.allowed_hosts {
            builder = builder.allowed_hosts(hosts);
        }
        if self.exempt_acme {
            builder = builder.exempt_acme();
        }
        if self.allow_loopback {
            builder = builder.allow_loopback();
        }
        let paths = self.exempt_path.iter();
        let builder = paths.fold(builder, |builder, path| builder.exempt_path(path));
        mistakes.take(builder.build())
    }
}
