//! Builders fed with whatever: they answer, and what they build can be built again from its own data.

use tower_security::cors::{CorsLayer, MaxAge, Refuse};
use tower_security::csrf::{CsrfLayer, Isolation, Missing};

/// The first three bytes are switches and numbers; every line behind them is a value, and its first byte says of which list.
struct Input<'a> {
    switches: u16,
    number: u8,
    lines: Vec<(u8, &'a str)>,
}

impl<'a> Input<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        let [high, low, number, rest @ ..] = data else {
            return None;
        };
        let lines = rest
            .split(|byte| *byte == b'\n')
            .filter_map(|line| std::str::from_utf8(line).ok())
            .filter_map(|line| Some((*line.as_bytes().first()?, line.get(1..)?)))
            .take(64)
            .collect();
        Some(Self {
            switches: u16::from_be_bytes([*high, *low]),
            number: *number,
            lines,
        })
    }

    fn is_on(&self, switch: u8) -> bool {
        self.switches >> switch & 1 == 1
    }

    fn list(&self, name: u8) -> Vec<&'a str> {
        let of = |(kind, line): &(u8, &'a str)| (*kind == name).then_some(*line);
        self.lines.iter().filter_map(of).collect()
    }
}

/// A CORS policy of any values. `o` origins, `m` methods, `h` request headers, `e` exposed headers, `v` vary, `s` own origins.
pub fn cors_config(data: &[u8]) {
    let Some(input) = Input::read(data) else {
        return;
    };
    let mut builder = CorsLayer::builder()
        .origins(input.list(b'o'))
        .credentials(input.is_on(0))
        .methods(input.list(b'm'))
        .request_headers(input.list(b'h'))
        .expose_headers(input.list(b'e'))
        .vary(input.list(b'v'))
        .self_origins(input.list(b's'))
        .max_age(match input.number {
            0 => MaxAge::Disabled,
            1 => MaxAge::BrowserDefault,
            number => MaxAge::Secs(u32::from(number) * 500),
        })
        .vary_on_preflight(input.is_on(1))
        .explain_failures(input.is_on(2))
        .dangerous_allow_insecure_origins(input.is_on(3))
        .dangerous_allow_public_suffix_subdomains(input.is_on(4))
        .dangerous_allow_private_network(input.is_on(5))
        .dangerous_keep_inner_cors(input.is_on(6));
    if input.is_on(7) {
        builder = builder.any_origin();
    }
    if input.is_on(8) {
        builder = builder.any_method();
    }
    if input.is_on(9) {
        builder = builder.any_request_header();
    }
    if input.is_on(10) {
        builder = builder.expose_any_header();
    }
    if input.is_on(11) {
        builder = builder.grpc_web();
    }
    if input.is_on(12) {
        builder = builder.refuse(Refuse::PreflightAndActual);
    }
    if input.is_on(13) {
        builder = builder.preflight_success_status(u16::from(input.number) + 100);
    }
    match builder.build_policy() {
        Err(errors) => {
            assert!(!errors.to_string().is_empty());
            assert!(errors.iter().all(|error| error.path().starts_with("cors.")));
        }
        Ok(policy) => {
            let config = policy.to_config();
            let again = config.build().expect("what was built can be built again");
            assert_eq!(again.to_config(), config);
        }
    }
}

/// A CSRF layer of any values. `t` trusted origins, `s` own origins, `h` override headers, `e` exemptions, `p` public paths.
pub fn csrf_config(data: &[u8]) {
    let Some(input) = Input::read(data) else {
        return;
    };
    let mut builder = CsrfLayer::builder()
        .trusted_origins(input.list(b't'))
        .self_origins(input.list(b's'))
        .method_override_headers(input.list(b'h'))
        .dangerous_allow_same_site(input.is_on(0))
        .dangerous_allow_insecure_origins(input.is_on(1))
        .dangerous_skip_websocket_check(input.is_on(2));
    if input.is_on(3) {
        builder = builder.missing_metadata(Missing::Refuse);
    }
    if input.is_on(4) {
        builder = builder.dangerous_allow_missing_metadata();
    }
    for pattern in input.list(b'e') {
        builder = builder.dangerous_exempt(pattern);
    }
    if input.is_on(5) {
        let isolation = Isolation::new()
            .allow_framing(input.is_on(6))
            .refuse_same_site(input.is_on(7));
        let public = input.list(b'p').into_iter();
        builder = builder.isolation(public.fold(isolation, |all, page| all.public(page)));
    }
    match builder.build() {
        Err(errors) => {
            assert!(!errors.to_string().is_empty());
            assert!(errors.iter().all(|error| error.path().starts_with("csrf.")));
        }
        Ok(layer) => {
            let config = layer.policy().config().clone();
            let again = config
                .clone()
                .build()
                .expect("what was built can be built again");
            assert_eq!(*again.policy().config(), config);
        }
    }
}
