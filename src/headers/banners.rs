//! Headers of the service inside that are taken off its answers.

use http::{HeaderMap, HeaderName};

/// A list of headers that tell which software answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Banner {
    /// The 87 names of the [OWASP Secure Headers Project][list], such as `Server`, `X-Powered-By` and `X-AspNet-Version`.
    ///
    /// Among them are `SourceMap` and tracing headers such as `X-B3-TraceId`: keep this list off where browsers have to read them.
    ///
    /// [list]: https://github.com/OWASP/www-project-secure-headers/blob/master/ci/headers_remove.json
    Owasp,
}

impl Banner {
    pub(super) fn names(self) -> &'static [HeaderName] {
        match self {
            Self::Owasp => &OWASP,
        }
    }
}

/// The names to take off, looked up by the few names that an answer has.
#[derive(Clone, Debug, Default)]
pub(super) struct Removed {
    /// A bit for each name, so that nearly all others are told apart without a comparison: many answers have `x-` names.
    filter: [u64; WORDS],
    /// In the order of their bytes.
    names: Box<[HeaderName]>,
}

const WORDS: usize = 16;

impl FromIterator<HeaderName> for Removed {
    fn from_iter<I: IntoIterator<Item = HeaderName>>(names: I) -> Self {
        let mut names = names.into_iter().collect::<Vec<_>>();
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        let mut filter = [0; WORDS];
        for name in &names {
            let (word, bit) = place(name.as_str().as_bytes());
            if let Some(word) = filter.get_mut(word) {
                *word |= bit;
            }
        }
        Self {
            filter,
            names: names.into(),
        }
    }
}

impl Removed {
    /// The name of the list that an answer's header has.
    #[inline]
    pub(super) fn find(&self, name: &str) -> Option<&HeaderName> {
        let (word, bit) = place(name.as_bytes());
        if self.filter.get(word)? & bit == 0 {
            return None;
        }
        self.search(name)
    }

    fn search(&self, name: &str) -> Option<&HeaderName> {
        let found = self
            .names
            .binary_search_by(|known| known.as_str().cmp(name))
            .ok()?;
        self.names.get(found)
    }

    pub(super) fn contains(&self, name: &HeaderName) -> bool {
        self.find(name.as_str()).is_some()
    }

    /// Takes every name of the list off. Each is removed by the list's own name: to clone that of the answer may allocate.
    #[cold]
    pub(super) fn take_off(&self, headers: &mut HeaderMap) {
        const AT_ONCE: usize = 8;
        loop {
            let mut found = [None; AT_ONCE];
            let names = headers.keys().filter_map(|name| self.find(name.as_str()));
            for (slot, name) in found.iter_mut().zip(names) {
                *slot = Some(name);
            }
            for name in found.iter().flatten() {
                headers.remove(*name);
            }
            if found.contains(&None) {
                return;
            }
        }
    }
}

/// Where a name stands in the filter: by its length and three of its bytes.
#[inline]
fn place(name: &[u8]) -> (usize, u64) {
    let byte = |at: Option<&u8>| u32::from(at.copied().unwrap_or_default());
    let length = u32::try_from(name.len()).unwrap_or_default() & 0xff;
    let mixed =
        length | byte(name.first()) << 8 | byte(name.get(2)) << 16 | byte(name.last()) << 24;
    // Fibonacci hashing: the upper ten bits, four for the word and six for its bit.
    let hash = mixed.wrapping_mul(0x9e37_79b9);
    ((hash >> 28) as usize, 1 << (hash >> 22 & 63))
}

/// In the order of their bytes.
static OWASP: [HeaderName; 87] = [
    HeaderName::from_static("$wsep"),
    HeaderName::from_static("host-header"),
    HeaderName::from_static("k-proxy-request"),
    HeaderName::from_static("liferay-portal"),
    HeaderName::from_static("oraclecommercecloud-version"),
    HeaderName::from_static("pega-host"),
    HeaderName::from_static("powered-by"),
    HeaderName::from_static("product"),
    HeaderName::from_static("server"),
    HeaderName::from_static("sourcemap"),
    HeaderName::from_static("x-aspnet-version"),
    HeaderName::from_static("x-aspnetmvc-version"),
    HeaderName::from_static("x-atmosphere-error"),
    HeaderName::from_static("x-atmosphere-first-request"),
    HeaderName::from_static("x-atmosphere-tracking-id"),
    HeaderName::from_static("x-b3-parentspanid"),
    HeaderName::from_static("x-b3-sampled"),
    HeaderName::from_static("x-b3-spanid"),
    HeaderName::from_static("x-b3-traceid"),
    HeaderName::from_static("x-backside-transport"),
    HeaderName::from_static("x-beserver"),
    HeaderName::from_static("x-calculatedbetarget"),
    HeaderName::from_static("x-cf-powered-by"),
    HeaderName::from_static("x-cms"),
    HeaderName::from_static("x-cocoon-version"),
    HeaderName::from_static("x-content-encoded-by"),
    HeaderName::from_static("x-datadog-origin"),
    HeaderName::from_static("x-datadog-parent-id"),
    HeaderName::from_static("x-datadog-sampling-priority"),
    HeaderName::from_static("x-datadog-tags"),
    HeaderName::from_static("x-datadog-trace-id"),
    HeaderName::from_static("x-diaginfo"),
    HeaderName::from_static("x-dtagentid"),
    HeaderName::from_static("x-dthealthcheck"),
    HeaderName::from_static("x-dtinjectedservlet"),
    HeaderName::from_static("x-envoy-attempt-count"),
    HeaderName::from_static("x-envoy-external-address"),
    HeaderName::from_static("x-envoy-internal"),
    HeaderName::from_static("x-envoy-original-dst-host"),
    HeaderName::from_static("x-envoy-upstream-service-time"),
    HeaderName::from_static("x-feserver"),
    HeaderName::from_static("x-framework"),
    HeaderName::from_static("x-generated-by"),
    HeaderName::from_static("x-generator"),
    HeaderName::from_static("x-gitlab-meta"),
    HeaderName::from_static("x-jitsi-release"),
    HeaderName::from_static("x-joomla-version"),
    HeaderName::from_static("x-kong-admin-latency"),
    HeaderName::from_static("x-kong-client-latency"),
    HeaderName::from_static("x-kong-proxy-latency"),
    HeaderName::from_static("x-kong-request-id"),
    HeaderName::from_static("x-kong-response-latency"),
    HeaderName::from_static("x-kong-third-party-latency"),
    HeaderName::from_static("x-kong-total-latency"),
    HeaderName::from_static("x-kong-upstream-latency"),
    HeaderName::from_static("x-kong-upstream-status"),
    HeaderName::from_static("x-kubernetes-pf-flowschema-ui"),
    HeaderName::from_static("x-kubernetes-pf-prioritylevel-uid"),
    HeaderName::from_static("x-litespeed-cache"),
    HeaderName::from_static("x-litespeed-cache-control"),
    HeaderName::from_static("x-litespeed-purge"),
    HeaderName::from_static("x-litespeed-tag"),
    HeaderName::from_static("x-litespeed-vary"),
    HeaderName::from_static("x-mod-pagespeed"),
    HeaderName::from_static("x-nextjs-cache"),
    HeaderName::from_static("x-nextjs-matched-path"),
    HeaderName::from_static("x-nextjs-page"),
    HeaderName::from_static("x-nextjs-redirect"),
    HeaderName::from_static("x-old-content-length"),
    HeaderName::from_static("x-oneagent-js-injection"),
    HeaderName::from_static("x-owa-version"),
    HeaderName::from_static("x-page-speed"),
    HeaderName::from_static("x-php-version"),
    HeaderName::from_static("x-powered-by"),
    HeaderName::from_static("x-powered-by-plesk"),
    HeaderName::from_static("x-powered-cms"),
    HeaderName::from_static("x-redirect-by"),
    HeaderName::from_static("x-ruxit-js-agent"),
    HeaderName::from_static("x-server-powered-by"),
    HeaderName::from_static("x-sourcefiles"),
    HeaderName::from_static("x-sourcemap"),
    HeaderName::from_static("x-turbo-charged-by"),
    HeaderName::from_static("x-tyk-trace-id"),
    HeaderName::from_static("x-umbraco-version"),
    HeaderName::from_static("x-varnish-backend"),
    HeaderName::from_static("x-varnish-server"),
    HeaderName::from_static("x-woodpecker-version"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_list_is_found_and_its_neighbours_are_not() {
        let removed = OWASP.iter().cloned().collect::<Removed>();
        for name in &OWASP {
            assert!(removed.contains(name), "{name}");
            for other in [format!("{name}x"), format!("{name}-")] {
                assert!(removed.find(&other).is_none(), "{other}");
            }
        }
        for name in [
            "set-cookie",
            "x-frame-options",
            "x-",
            "x",
            "s",
            "content-type",
            "",
        ] {
            assert!(removed.find(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_name_is_taken_off_with_all_its_lines() {
        let names = [
            HeaderName::from_static("server"),
            HeaderName::from_static("x-a"),
        ];
        let removed = names.into_iter().collect::<Removed>();
        let mut headers = HeaderMap::new();
        for (name, value) in [("server", "a"), ("server", "b"), ("x-a", "c"), ("x-b", "d")] {
            headers.append(name, http::HeaderValue::from_static(value));
        }
        removed.take_off(&mut headers);
        let left = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        assert_eq!(left.collect::<Vec<_>>(), [("x-b", b"d".as_slice())]);
    }

    #[test]
    fn any_number_of_names_is_taken_off() {
        let removed = OWASP.iter().cloned().collect::<Removed>();
        for count in [1, 7, 8, 9, 16, 87] {
            let mut headers = HeaderMap::new();
            headers.insert("x-own", http::HeaderValue::from_static("1"));
            for name in OWASP.iter().take(count) {
                headers.insert(name, http::HeaderValue::from_static("1"));
            }
            removed.take_off(&mut headers);
            assert_eq!(headers.len(), 1, "{count}");
        }
    }
}
