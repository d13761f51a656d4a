//! Headers of the service inside that are taken off its answers.

use http::HeaderName;

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
    use http::HeaderMap;

    use super::*;
    use crate::core::Removed;

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
