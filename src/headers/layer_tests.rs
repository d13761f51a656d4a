use super::*;

fn resource_policy(layer: &SecurityHeadersLayer) -> Option<&HeaderValue> {
    let mut headers = layer.headers();
    headers
        .find(|(name, _)| **name == CORP)
        .map(|(_, value)| value)
}

#[test]
fn beside_public_cors_a_presets_resource_policy_is_cross_origin() {
    let rows = [
        (SecurityHeadersLayer::web(), Some("cross-origin")),
        (SecurityHeadersLayer::web_compatible(), Some("cross-origin")),
        (SecurityHeadersLayer::api(), Some("cross-origin")),
        (SecurityHeadersLayer::grpc(), None),
    ];
    for (layer, expected) in rows {
        let beside = layer.beside_public_cors();
        let preset = layer.preset();
        assert_eq!(
            resource_policy(&beside).map(HeaderValue::as_bytes),
            expected.map(str::as_bytes),
            "{preset:?}"
        );
        let others = |layer: &SecurityHeadersLayer| {
            let headers = layer.headers().filter(|(name, _)| **name != CORP);
            headers
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(others(&beside), others(&layer), "{preset:?}");
        assert_eq!(beside.preset(), preset);
        assert_eq!(beside.cache_policy(), layer.cache_policy());
    }
}

#[test]
fn beside_public_cors_a_choice_of_the_user_stays() {
    for policy in [Corp::SameOrigin, Corp::SameSite, Corp::CrossOrigin] {
        let layer = SecurityHeadersLayer::builder()
            .preset(Preset::Web)
            .cross_origin_resource_policy(policy)
            .build()
            .expect("it is sound");
        let beside = layer.beside_public_cors();
        assert_eq!(
            resource_policy(&beside).map(HeaderValue::as_bytes),
            Some(policy.as_str().as_bytes())
        );
    }
    let left_out = SecurityHeadersLayer::builder()
        .preset(Preset::Web)
        .without("cross-origin-resource-policy")
        .build()
        .expect("it is sound");
    assert_eq!(resource_policy(&left_out.beside_public_cors()), None);
}

#[test]
fn dangerous_methods_are_told() {
    let used = |layer: &SecurityHeadersLayer| {
        let all = layer.dangerous().into_iter();
        all.filter_map(|(name, used)| used.then_some(name))
            .collect::<Vec<_>>()
    };
    assert_eq!(used(&SecurityHeadersLayer::web()), [""; 0]);
    let referrer = SecurityHeadersLayer::builder()
        .dangerous_referrer_policy(super::super::WeakReferrerPolicy::UnsafeUrl)
        .build()
        .expect("it is sound");
    assert_eq!(used(&referrer), ["dangerous_referrer_policy"]);
    let opener = SecurityHeadersLayer::builder()
        .dangerous_unsafe_none_opener_policy()
        .build()
        .expect("it is sound");
    assert_eq!(used(&opener), ["dangerous_unsafe_none_opener_policy"]);
}
