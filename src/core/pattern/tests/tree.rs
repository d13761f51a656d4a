use std::collections::BTreeSet;

use proptest::prelude::*;

use super::properties::{some_path, some_pattern};
use super::*;

fn tree(patterns: &[impl AsRef<str>]) -> TemplateTree {
    let mut tree = TemplateTree::default();
    for (place, pattern) in patterns.iter().enumerate() {
        tree.insert(&template(pattern.as_ref()), place);
    }
    tree
}

fn matching(tree: &TemplateTree, path: &str) -> Vec<usize> {
    let mut places = Vec::new();
    tree.matching(path, &mut |place| places.push(place));
    places.sort_unstable();
    places
}

fn covering(tree: &TemplateTree, route: &str) -> (Vec<usize>, Coverage) {
    let mut places = Vec::new();
    let coverage = tree.covering(route, &mut |place| places.push(place));
    places.sort_unstable();
    (places, coverage)
}

#[test]
fn all_templates_of_a_path_are_found() {
    let tree = tree(&[
        "/",
        "/orders",
        "/orders/",
        "/orders/{id}",
        "/orders/mine",
        "/orders/{id}/lines",
        "/{page}",
        "/{*rest}",
        "/orders/{*rest}",
        "/orders/{other}",
    ]);
    for (path, expected) in [
        ("/", &[0][..]),
        ("/orders", &[1, 6, 7]),
        ("/orders/", &[2, 7]),
        ("/orders/7", &[3, 7, 8, 9]),
        ("/orders/mine", &[3, 4, 7, 8, 9]),
        ("/orders/7/lines", &[5, 7, 8]),
        ("/orders/7/", &[7, 8]),
        ("/about", &[6, 7]),
        ("/Orders", &[6, 7]),
        ("", &[]),
        ("orders", &[]),
    ] {
        assert_eq!(matching(&tree, path), expected, "{path}");
    }
    assert!(matching(&TemplateTree::default(), "/").is_empty());
}

#[test]
fn a_route_is_covered_or_only_in_part() {
    use Coverage::{Partial, Whole};
    let tree = tree(&[
        "/users/me",
        "/users/{id}",
        "/users/{id}/orders/{order}",
        "/files/{*path}",
        "/admin/{*rest}",
        "/admin/users",
        "/status",
    ]);
    for (route, places, coverage) in [
        ("/users/me", &[0, 1][..], Whole),
        ("/users/{name}", &[1], Partial),
        ("/users/{id}/orders/{n}", &[2], Partial),
        ("/files/{*rest}", &[3], Partial),
        ("/files/a/{b}", &[3], Whole),
        ("/files/", &[], Whole),
        ("/admin/{page}", &[4], Partial),
        ("/admin/users", &[4, 5], Whole),
        ("/admin/{*all}", &[4], Partial),
        ("/other/{id}", &[], Whole),
        ("/{*all}", &[], Partial),
        ("/{page}", &[], Partial),
        // What this crate cannot read is told by the path.
        ("/status/{{x}}", &[], Partial),
        ("/{a}.png", &[], Partial),
        ("/admin/v{n}", &[4], Partial),
        ("status", &[], Partial),
    ] {
        let found = covering(&tree, route);
        assert_eq!(found, (places.to_vec(), coverage), "{route}");
    }
}

#[test]
fn a_template_is_for_a_part_of_a_route_or_is_not() {
    let tree = tree(&[
        "/orders/{id}",
        "/docs/drafts/{id}",
        "/files/{*path}",
        "/a/{x}/c",
        "/status/",
    ]);
    for (route, expected) in [
        ("/{kind}/{id}", true),
        ("/docs/{kind}/{id}", true),
        ("/{kind}/drafts/{id}", true),
        ("/{kind}/a/b", true),
        ("/a/{x}/{y}", true),
        ("/{*all}", true),
        ("/docs/{*rest}", true),
        ("/docs/{id}.png/x", true),
        // As wide, or for a part of a template.
        ("/orders/{order}", false),
        ("/orders/latest", false),
        ("/docs/drafts/{id}", false),
        ("/files/{*rest}", false),
        ("/files/{dir}/{name}", false),
        ("/a/b/c", false),
        // For none of its paths.
        ("/{page}", false),
        ("/docs/{id}", false),
        ("/users/{id}", false),
        ("/docs/other/{id}", false),
        ("/status/{x}", false),
        ("/status/", false),
        ("orders", false),
    ] {
        assert_eq!(tree.narrows(route), expected, "{route}");
    }
}

#[test]
fn a_path_is_of_a_route_or_is_not() {
    for (route, path, expected) in [
        ("/", "/", true),
        ("/users/{id}", "/users/7", true),
        ("/users/{id}", "/users/a%2Fb", true),
        ("/users/{id}", "/users/", false),
        ("/users/{id}", "/users", false),
        ("/users/{id}", "/users/7/", false),
        ("/users/{id}", "/admin/7", false),
        ("/users/{id}", "/%75sers/7", false),
        ("/files/{*path}", "/files/a/b", true),
        ("/files/{*path}", "/admin/a", false),
        ("/a/{x}.png", "/a/1.png", true),
        ("/a/{x}.png", "/b/1.png", false),
    ] {
        assert_eq!(is_of_route(route, path), expected, "{route} {path}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_tree_finds_what_each_template_would(
        patterns in prop::collection::vec(some_pattern(), 0..8),
        path in some_path(),
    ) {
        if let Some(canonical) = CanonicalPath::parse(&path) {
            let alone = patterns.iter().enumerate().filter(|(_, pattern)| params(pattern, &path).is_some());
            let alone: Vec<_> = alone.map(|(place, _)| place).collect();
            prop_assert_eq!(matching(&tree(&patterns), canonical.as_str()), alone, "{:?} and {}", patterns, path);
        }
    }

    #[test]
    fn a_template_with_text_where_the_route_has_none_is_not_overlooked(
        pattern in some_pattern(),
        route in some_pattern(),
        path in some_path(),
    ) {
        if params(&pattern, &path).is_some() && params(&route, &path).is_some() {
            let is_param = |segment: &str| segment.starts_with('{');
            let mut both = pattern.split('/').zip(route.split('/'));
            if both.any(|(ours, theirs)| !is_param(ours) && is_param(theirs)) {
                prop_assert!(tree(&[&pattern]).narrows(&route), "{} of {} by {}", pattern, route, path);
            }
        }
    }

    #[test]
    fn a_whole_coverage_leaves_nothing_to_the_path(
        patterns in prop::collection::vec(some_pattern(), 0..8),
        route in some_pattern(),
        path in some_path(),
    ) {
        let tree = tree(&patterns);
        let (covering, coverage) = covering(&tree, &route);
        let one_by_one = patterns.iter().enumerate().filter(|(_, pattern)| template(pattern).covers(&template(&route)));
        prop_assert_eq!(&covering, &one_by_one.map(|(place, _)| place).collect::<Vec<_>>(), "{:?} and {}", patterns, route);
        if let Some(canonical) = CanonicalPath::parse(&path)
            && params(&route, &path).is_some()
        {
            let (covering, matching): (BTreeSet<_>, BTreeSet<_>) =
                (covering.into_iter().collect(), matching(&tree, canonical.as_str()).into_iter().collect());
            prop_assert!(covering.is_subset(&matching), "{:?}, {} and {}", patterns, route, path);
            if coverage == Coverage::Whole {
                prop_assert_eq!(covering, matching, "{:?}, {} and {}", patterns, route, path);
            }
        }
    }
}
