//! What stacks say of themselves: the presets as they come, and a stack of every layer.

use tower_security::SecurityStack;
use tower_security::stack::{Posture, PostureEntry, PostureState, Protection, ProvidesPrincipal};

/// The table, line by line, with single blanks.
fn lines(posture: &Posture) -> Vec<String> {
    let text = posture.to_string();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(words).collect()
}

#[test]
fn an_empty_stack_protects_nothing_and_says_so() {
    let posture = SecurityStack::new().posture();
    assert_eq!(
        lines(&posture),
        [
            "absent headers, csp, cookies, cors, error_mask, bans, https, rate_limit, overload, limits, csp_reports, csrf, auth, \
             rate_limit_by_principal, require_authorization, access, sanitize, ownership",
            "warning: https: absent",
            "warning: limits: absent",
            "warning: sanitize: absent",
        ]
    );
}

const CSP: &str = "answers A05:2025 A06:2025 API8:2023 ASVS 3.2.1 3.4.3 3.4.6";
const HEADERS: &str =
    "answers A02:2025 A06:2025 API8:2023 ASVS 3.4.4 3.4.5 3.4.8 3.5.8 13.4.6 14.3.2";
/// An API opens no documents, and the preset leaves their isolation out.
const API_HEADERS: &str =
    "answers A02:2025 A06:2025 API8:2023 ASVS 3.4.4 3.4.5 3.5.8 13.4.6 14.3.2";
const GRPC_HEADERS: &str = "answers A02:2025 A06:2025 API8:2023 ASVS 3.4.4 14.3.2";
const MASK: &str = "answers A02:2025 A10:2025 API8:2023 ASVS 13.4.6 16.3.4 16.5.1 16.5.3 16.5.4";

#[test]
fn the_presets_say_what_they_hold_and_lack() {
    assert_eq!(
        lines(&SecurityStack::api().posture()),
        [
            "headers on preset=api headers=4 cache=no_store",
            API_HEADERS,
            "csp on scripts=static",
            CSP,
            "error_mask on client_errors=masked not_found=empty kept=2 stripped=4",
            MASK,
            "absent cookies, cors, bans, https, rate_limit, overload, limits, csp_reports, csrf, auth, rate_limit_by_principal, \
             require_authorization, access, sanitize, ownership",
            "warning: https: absent",
            "warning: limits: absent",
            "warning: sanitize: absent",
        ]
    );
    assert_eq!(
        lines(&SecurityStack::web().posture()),
        [
            "headers on preset=web headers=7 cache=sensitive",
            HEADERS,
            "csp on scripts=nonce",
            CSP,
            "cookies on renamed=0",
            "answers A01:2025 A02:2025 A07:2025 API2:2023 ASVS 3.3.1 3.3.2 3.3.3 3.3.4",
            "error_mask on client_errors=kept not_found=empty kept=2 stripped=4",
            MASK,
            "csrf on missing_metadata=refuse with cookie isolation=off trusted_origins=0",
            "answers A01:2025 ASVS 3.5.1 3.5.2 3.5.3 4.4.2",
            "absent cors, bans, https, rate_limit, overload, limits, csp_reports, auth, rate_limit_by_principal, \
             require_authorization, access, sanitize, ownership",
            "warning: https: absent",
            "warning: limits: absent",
            "warning: sanitize: absent",
        ]
    );
    assert_eq!(
        lines(&SecurityStack::grpc().posture()),
        [
            "headers on preset=grpc headers=1 cache=no_store",
            GRPC_HEADERS,
            "error_mask on client_errors=masked not_found=empty kept=2 stripped=4",
            MASK,
            "absent csp, cookies, cors, bans, https, rate_limit, overload, limits, csp_reports, csrf, auth, \
             rate_limit_by_principal, require_authorization, access, sanitize, ownership",
            "warning: https: absent",
            "warning: limits: absent",
            "warning: sanitize: absent",
        ]
    );
}

/// One needs a principal to ask for: without `auth` it is not missed.
#[test]
fn what_somebody_is_authenticated_for_is_missed() {
    let auth = Own("auth", PostureState::On);
    let absent = |posture: Posture| -> Vec<_> {
        let warnings = posture.warnings().iter();
        warnings
            .filter_map(|warning| warning.strip_suffix(": absent").map(str::to_owned))
            .collect()
    };
    assert_eq!(
        absent(SecurityStack::new().auth(auth).posture()),
        ["https", "limits", "require_authorization", "sanitize"]
    );
    // Something that stands there, of whatever name and state, is not absent.
    let filled = SecurityStack::new()
        .https(Own("tls", PostureState::Off))
        .limits(Own("limits", PostureState::On))
        .auth(auth)
        .require_authorization(Own("asking", PostureState::ReportOnly))
        .sanitize(Own("sanitize", PostureState::On));
    assert_eq!(absent(filled.posture()), [""; 0]);
}

/// A protection of somebody else.
#[derive(Clone, Copy)]
struct Own(&'static str, PostureState);

impl ProvidesPrincipal for Own {}

impl Protection for Own {
    fn describe(&self, posture: &mut Posture) {
        posture.add(PostureEntry::new(self.0, self.1));
    }
}

/// What is off or only reports answers nothing.
#[test]
fn a_protection_answers_while_it_is_on() {
    let answers = |state| {
        let mut posture = Posture::default();
        posture.add(PostureEntry::new("csrf", state));
        posture.entries()[0].answers().clone()
    };
    assert_eq!(answers(PostureState::On).top10(), ["A01:2025"]);
    assert!(answers(PostureState::ReportOnly).is_empty());
    assert!(answers(PostureState::Off).is_empty());
    // A name that is no slot's is one of the user's.
    let mut own = Posture::default();
    own.add(PostureEntry::new("own", PostureState::On));
    assert!(own.entries()[0].answers().is_empty());
    assert_eq!(own.to_string(), "own                      on         \n");
}

/// What was left out of a preset is neither counted nor passed over in silence.
#[test]
fn headers_that_are_left_out_are_not_claimed() {
    use tower_security::SecurityHeadersLayer;
    use tower_security::headers::{CachePolicy, Preset, SecurityHeadersBuilder};

    let lines = |builder: SecurityHeadersBuilder| {
        let posture = SecurityStack::new().headers(builder.build().unwrap());
        let lines = lines(&posture.posture());
        let told = |line: &&String| line.starts_with("warning: headers");
        (
            lines[..2].to_vec(),
            lines.iter().filter(told).cloned().collect::<Vec<_>>(),
        )
    };
    let web = || SecurityHeadersLayer::builder().preset(Preset::Web);
    let (entry, warnings) = lines(web());
    assert_eq!(
        entry,
        ["headers on preset=web headers=7 cache=sensitive", HEADERS]
    );
    assert_eq!(warnings, [""; 0]);
    for (name, requirement) in [
        ("X-Content-Type-Options", " 3.4.4"),
        ("referrer-policy", " 3.4.5"),
        ("cross-origin-opener-policy", " 3.4.8"),
        ("cross-origin-resource-policy", " 3.5.8"),
        // No requirement asks for it, beside that of the content security policy.
        ("x-frame-options", ""),
    ] {
        let (entry, warnings) = lines(web().without(name));
        let name = name.to_ascii_lowercase();
        let shown = format!("headers on preset=web headers=6 cache=sensitive without={name}");
        let answers = HEADERS.replace(requirement, "");
        assert_eq!(entry, [shown, answers]);
        assert_eq!(warnings, [format!("warning: headers: without {name}")]);
    }
    let (entry, warnings) = lines(
        SecurityHeadersLayer::builder()
            .preset(Preset::Api)
            .without("x-content-type-options")
            .without("referrer-policy")
            .without("cross-origin-resource-policy")
            .cache(CachePolicy::Untouched),
    );
    assert_eq!(
        entry,
        [
            "headers on preset=api headers=1 cache=untouched \
             without=x-content-type-options,referrer-policy,cross-origin-resource-policy",
            "answers A02:2025 A06:2025 API8:2023 ASVS 13.4.6"
        ]
    );
    assert_eq!(warnings.len(), 3);
}

/// What two slots have against each other.
#[cfg(feature = "opaque-tokens")]
mod between_layers {
    use tower_security::auth::AuthBuilder;
    use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
    use tower_security::auth::session::{MemorySessionStore, SessionAuth};
    use tower_security::authorize::{authenticated, public};
    use tower_security::core::ChallengeScheme;
    use tower_security::cors::CorsBuilder;
    use tower_security::ownership::{AccessRequest, Decision, LoadGuard, PathParam};
    use tower_security::{AccessTable, AuthLayer, CorsLayer, OwnershipGuard, RequireAuthorization};

    use super::*;
    use crate::auth::ways::ByHeader;

    fn keys() -> AuthBuilder {
        let keys = ApiKeyAuth::builder(MemoryApiKeyStore::new(), "shop").build();
        AuthLayer::builder().api_key(keys.unwrap())
    }

    /// The warnings of one layer.
    fn warnings(posture: &Posture, of: &str) -> Vec<String> {
        let all = posture.warnings().iter();
        all.filter(|it| it.starts_with(of))
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn what_no_rule_of_a_guard_is_for_is_decided_by_another() {
        const WARNING: &str = "ownership: what no rule is for passes undecided: fill `access` or `require_authorization`, or call \
             `deny_unmatched`";
        let owner = |_: &AccessRequest| Decision::Deny;
        let guard = || OwnershipGuard::builder().resource("/orders/{id}", owner);
        let load = |_: AccessRequest| async { Err::<u8, _>(Decision::Deny) };
        let loads = LoadGuard::builder().resource("/orders/{id}", load).build();
        let of_route = OwnershipGuard::for_route(PathParam::new("id"), owner).build();
        let table = AccessTable::builder()
            .any_request(authenticated())
            .build()
            .unwrap();
        let stack = || SecurityStack::new().auth(keys().build().unwrap());
        let told = |posture: Posture| warnings(&posture, "ownership");
        let passes = guard().build().unwrap();
        assert_eq!(told(stack().ownership(passes.clone()).posture()), [WARNING]);
        assert_eq!(told(stack().ownership(loads.unwrap()).posture()), [WARNING]);
        let closed = guard().deny_unmatched().build().unwrap();
        let tripwire = RequireAuthorization::new();
        for posture in [
            stack().posture(),
            stack().ownership(closed).posture(),
            stack().ownership(of_route.unwrap()).posture(),
            stack().access(table).ownership(passes.clone()).posture(),
            stack()
                .require_authorization(tripwire)
                .ownership(passes)
                .posture(),
        ] {
            assert_eq!(told(posture), [""; 0]);
        }
    }

    #[test]
    fn what_a_table_opens_is_not_closed_by_authentication() {
        let table = || AccessTable::builder().get("/me", authenticated());
        let open = || table().get("/health", public()).build().unwrap();
        let told = |auth: AuthBuilder, table| {
            let stack = SecurityStack::new().auth(auth.build().unwrap());
            warnings(&stack.access(table).posture(), "access")
        };
        assert_eq!(
            told(keys(), open()),
            ["access: public GET /health is refused by auth: make it `.optional()`"]
        );
        assert_eq!(told(keys().optional(), open()), [""; 0]);
        assert_eq!(told(keys(), table().build().unwrap()), [""; 0]);
    }

    #[test]
    fn pages_may_send_what_authentication_reads() {
        const WARNING: &str =
            "cors: pages may not send what auth reads: name x-api-key in `request_headers`";
        let cors = || CorsLayer::builder().origins(["https://app.example.com"]);
        let told = |cors: CorsBuilder, auth: AuthBuilder| {
            let stack = SecurityStack::new().cors(cors.build().unwrap());
            warnings(&stack.auth(auth.build().unwrap()).posture(), "cors")
        };
        assert_eq!(told(cors(), keys()), [WARNING]);
        assert_eq!(
            told(cors().request_headers(["authorization"]), keys()),
            [WARNING]
        );
        let sessions = SessionAuth::builder(MemorySessionStore::new());
        for (cors, auth) in [
            (cors().request_headers(["X-Api-Key"]), keys()),
            (cors().any_request_header(), keys()),
            (cors(), keys().session(sessions.build().unwrap())),
        ] {
            assert_eq!(told(cors, auth), [""; 0]);
        }
        // The star of a policy covers every header but this one.
        let any = || cors().any_request_header();
        let bearer = || {
            let way = ByHeader::new("authorization").scheme(ChallengeScheme::bearer());
            AuthLayer::builder().authenticator(way)
        };
        let warning = WARNING.replace("x-api-key", "authorization");
        assert_eq!(told(any(), bearer()), [warning]);
        assert_eq!(told(any().credentials(true), bearer()), [""; 0]);
        let named = any().request_headers(["authorization"]);
        assert_eq!(told(named, bearer()), [""; 0]);
        let alone = SecurityStack::new().cors(cors().build().unwrap());
        assert_eq!(warnings(&alone.posture(), "cors"), [""; 0]);
    }
}

#[cfg(all(
    feature = "csp-report",
    feature = "limits",
    feature = "opaque-tokens",
    feature = "sanitize"
))]
mod every_layer {
    use std::time::Duration;

    use tower_security::auth::api_key::{ApiKeyAuth, MemoryApiKeyStore};
    use tower_security::auth::session::{MemorySessionStore, SessionAuth};
    use tower_security::authorize::{public, role};
    use tower_security::core::{AbuseKind, ConfigErrors, SchemeSource, TrustedProxies};
    use tower_security::csp::{Csp, ReportEndpoint};
    use tower_security::https::OnInsecure;
    use tower_security::ownership::{AccessRequest, Decision};
    use tower_security::rate_limit::login::LoginThrottle;
    use tower_security::rate_limit::{Policy, Quota, key};
    use tower_security::{
        AccessTable, AuthLayer, BanLayer, CookieLayer, CorsLayer, CspLayer, CspReportLayer,
        CsrfLayer, ErrorMaskLayer, HttpsLayer, LimitsLayer, LoadGuard, LoginThrottleLayer,
        OwnershipGuard, RateLimitLayer, RequireAuthorization, SanitizeLayer, SecurityHeadersLayer,
    };

    use super::*;

    const SECRET: &[u8] = b"\x1f\x62\xc8\x0d\x97\xe4\x5a\xb1\x33\x7c\xd0\x8e\x49\xf6\x25\xa8";

    fn posture() -> Result<Posture, ConfigErrors> {
        let endpoint = ReportEndpoint::path("csp", "/csp-report")?;
        let csp = CspLayer::builder()
            .enforce(Csp::strict().report_to(endpoint).build()?)
            .build()?;
        let cors = CorsLayer::builder()
            .origins(["https://app.example.com"])
            .credentials(true)
            .build()?;
        let minute = Duration::from_secs(60);
        let bans = BanLayer::builder()
            .on(AbuseKind::CsrfRefused, 3, minute, minute)
            .build()?;
        let https = HttpsLayer::builder(SchemeSource::Tls)
            .on_insecure(OnInsecure::Reject)
            .allowed_hosts(["app.example.com"])
            .build()?;
        let throttle = LoginThrottle::builder(SECRET).build()?;
        let by_address = (
            RateLimitLayer::api(Quota::per_minute(60))?,
            LoginThrottleLayer::new(throttle),
        );
        let by_principal = RateLimitLayer::builder()
            .policy(Policy::new("user", Quota::per_hour(1_000)).key(key::principal()))
            .build()?;
        let auth = AuthLayer::builder()
            .api_key(ApiKeyAuth::builder(MemoryApiKeyStore::new(), "shop").build()?)
            .session(SessionAuth::builder(MemorySessionStore::new()).build()?)
            .optional()
            .build()?;
        let access = AccessTable::builder()
            .get("/health", public())
            .any_method("/admin/{*rest}", role("admin"))
            .build()?;
        let owner = |_: &AccessRequest| Decision::Deny;
        let load = |_: AccessRequest| async { Err::<u8, _>(Decision::Deny) };
        let ownership = (
            OwnershipGuard::builder()
                .resource("/orders/{id}", owner)
                .build()?,
            LoadGuard::builder().resource("/notes/{id}", load).build()?,
        );
        let stack = SecurityStack::new()
            .client_ip(TrustedProxies::direct())
            .headers(SecurityHeadersLayer::web())
            .csp(csp)
            .cookies(CookieLayer::strict())
            .cors(cors)
            .error_mask(ErrorMaskLayer::new())
            .bans(bans)
            .https(https)
            .rate_limit(by_address)
            .limits(LimitsLayer::new())
            .csp_reports(CspReportLayer::at("/csp-report")?)
            .csrf(CsrfLayer::new())
            .auth(auth)
            .rate_limit_by_principal(by_principal)
            .require_authorization(RequireAuthorization::new())
            .access(access)
            .sanitize(SanitizeLayer::strict())
            .ownership(ownership)
            .trust_cors_origins()?;
        Ok(stack.posture())
    }

    #[test]
    fn a_stack_of_every_layer_lacks_nothing() {
        let posture = posture().expect("it is well configured");
        assert_eq!(posture.warnings(), [""; 0]);
        assert_eq!(
            lines(&posture),
            [
                "context on client_ip=peer scheme=known",
                "answers A09:2025 ASVS 4.1.3 15.3.4 16.2.1",
                "headers on preset=web headers=7 cache=sensitive",
                HEADERS,
                "csp on scripts=nonce",
                CSP,
                "cookies on renamed=0",
                "answers A01:2025 A02:2025 A07:2025 API2:2023 ASVS 3.3.1 3.3.2 3.3.3 3.3.4",
                "cors on origins=1 credentials=true",
                "answers A01:2025 A02:2025 API8:2023 ASVS 3.4.2",
                "error_mask on client_errors=kept not_found=empty kept=2 stripped=4",
                MASK,
                "bans on counts_per=node signals=counted request_rules=0 safelist=0 blocklist=0",
                "answers A06:2025 A07:2025 API2:2023 API4:2023 ASVS 2.4.1 6.3.1",
                "https on plain=reject hosts=1 hsts=max-age=63072000; includeSubDomains",
                "answers A02:2025 A04:2025 API8:2023 ASVS 3.4.1 4.1.2 12.2.1",
                "rate_limit on counts_per=node policies=client:60/60s,global:3000/60s",
                "answers A06:2025 API4:2023 API6:2023 ASVS 2.4.1",
                "login_throttle on name=login counts_per=node free=5 locked_after=100",
                "answers A06:2025 A07:2025 API2:2023 API6:2023 ASVS 2.4.1 6.3.1",
                "limits on body_limit=2097152 body_idle=20s body_time=60s stream_idle=300s response_time=30s answer_idle=60s max_concurrent=1024",
                "answers A06:2025 A10:2025 API4:2023 ASVS 15.2.2",
                "csp_reports on path=/csp-report",
                "answers A09:2025 ASVS 3.4.7",
                "csrf on missing_metadata=refuse with cookie isolation=off trusted_origins=1",
                "answers A01:2025 ASVS 3.5.1 3.5.2 3.5.3 4.4.2",
                "auth on by=api_key,session anonymous=pass session_cookie=__Host-session",
                "answers A07:2025 API2:2023 ASVS 7.2.1 9.1.1 9.1.2 9.1.3 9.2.1 16.3.1",
                "rate_limit_by_principal on counts_per=node policies=user:1000/3600s",
                "answers A06:2025 API4:2023 API6:2023 ASVS 2.4.1",
                "require_authorization on undecided_errors=strip",
                "answers A01:2025 A10:2025 API1:2023 API5:2023 ASVS 8.3.1 16.5.3",
                "access on rules=2 rest=refused public=GET /health",
                "answers A01:2025 API5:2023 ASVS 8.2.1 8.3.1 16.3.2",
                "sanitize on preset=strict enforced=71 reported=0 body_limit=1048576 multipart=buffered",
                "answers A05:2025 A06:2025 API8:2023 ASVS 1.1.1 1.5.3 2.2.1 2.2.2 15.3.7 16.3.3",
                "ownership on rules=/orders/{id} unmatched=pass denied=404",
                "answers A01:2025 API1:2023 ASVS 8.2.2 8.3.1 8.4.1 16.3.2",
                "ownership on rules=/notes/{id} unmatched=pass denied=404",
                "answers A01:2025 API1:2023 ASVS 8.2.2 8.3.1 8.4.1 16.3.2",
                "absent overload",
            ]
        );
    }

    #[cfg(feature = "serde")]
    #[test]
    fn the_same_as_data() {
        let posture = posture().expect("it is well configured");
        let json = serde_json::to_value(&posture).expect("it is data");
        assert_eq!(json["absent"], serde_json::json!(["overload"]));
        assert_eq!(json["warnings"], serde_json::json!([]));
        let protections = json["protections"].as_array().expect("a list");
        let of = |name: &str| {
            let mut all = protections.iter();
            all.find(|entry| entry["protection"] == name).expect(name)
        };
        assert_eq!(
            *of("cors"),
            serde_json::json!({
                "protection": "cors",
                "state": "on",
                "settings": [["origins", "1"], ["credentials", "true"]],
                "answers": {
                    "top10": ["A01:2025", "A02:2025"],
                    "api_top10": ["API8:2023"],
                    "asvs": ["3.4.2"],
                },
            })
        );
        let report_only = PostureState::ReportOnly;
        assert_eq!(
            serde_json::to_value(report_only).expect("a name"),
            "report-only"
        );
        assert_eq!(protections.len(), posture.entries().len());
    }
}
