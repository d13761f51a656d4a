//! Roles that include others.

use std::collections::HashMap;

use crate::core::Principal;

/// Which roles include which, as far as one has said so.
#[derive(Clone, Debug, Default)]
pub(super) struct RoleTree {
    /// For each role all that include it, over any number of steps.
    included_in: HashMap<Box<str>, Vec<Box<str>>>,
}

impl RoleTree {
    /// Of pairs of a role and what it includes; `Err` with a cycle, its first role once more at the end.
    pub(super) fn new(pairs: &[(String, Vec<String>)]) -> Result<Self, Vec<String>> {
        let mut steps: HashMap<&str, Vec<&str>> = HashMap::new();
        for (role, included) in pairs {
            let known = steps.entry(role).or_default();
            known.extend(included.iter().map(String::as_str));
        }
        let mut tree = Self::default();
        for (role, _) in pairs {
            let mut way = vec![role.as_str()];
            tree.descend(&steps, &mut way)?;
        }
        Ok(tree)
    }

    /// Notes what the first role of the way includes through the last one.
    fn descend<'a>(
        &mut self,
        steps: &HashMap<&'a str, Vec<&'a str>>,
        way: &mut Vec<&'a str>,
    ) -> Result<(), Vec<String>> {
        let (Some(first), Some(last)) = (way.first().copied(), way.last().copied()) else {
            return Ok(());
        };
        for role in steps.get(last).into_iter().flatten() {
            if let Some(at) = way.iter().position(|before| before == role) {
                let cycle = way.iter().skip(at).chain([role]);
                return Err(cycle.map(|role| (*role).to_owned()).collect());
            }
            let holders = self.included_in.entry((*role).into()).or_default();
            if holders.iter().any(|holder| **holder == *first) {
                continue;
            }
            holders.push(first.into());
            way.push(role);
            self.descend(steps, way)?;
            way.pop();
        }
        Ok(())
    }

    /// Whether the principal has the role, or one that includes it.
    pub(super) fn holds(&self, principal: &Principal, role: &str) -> bool {
        principal.has_role(role)
            || self
                .included_in
                .get(role)
                .is_some_and(|holders| holders.iter().any(|holder| principal.has_role(holder)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(pairs: &[(&str, &[&str])]) -> Result<RoleTree, Vec<String>> {
        let own = |(role, included): &(&str, &[&str])| {
            let included = included.iter().map(|role| (*role).to_owned());
            ((*role).to_owned(), included.collect())
        };
        RoleTree::new(&pairs.iter().map(own).collect::<Vec<_>>())
    }

    #[test]
    fn what_a_role_includes_includes_more() {
        let tree = tree(&[
            ("admin", &["staff", "auditor"]),
            ("staff", &["user"]),
            ("root", &["admin"]),
            ("auditor", &["user"]),
        ])
        .unwrap();
        for (role, asked, expected) in [
            ("root", "user", true),
            ("root", "root", true),
            ("admin", "staff", true),
            ("staff", "user", true),
            ("staff", "auditor", false),
            ("user", "staff", false),
            ("staff", "admin", false),
            ("Admin", "staff", false),
        ] {
            let who = Principal::builder("x").roles([role]).build();
            assert_eq!(tree.holds(&who, asked), expected, "{role} {asked}");
        }
    }

    #[test]
    fn a_cycle_is_named() {
        assert_eq!(tree(&[("a", &["a"])]).unwrap_err(), ["a", "a"]);
        let longer = tree(&[("x", &["a"]), ("a", &["b"]), ("b", &["c", "a"])]);
        assert_eq!(longer.unwrap_err(), ["a", "b", "a"]);
        assert!(tree(&[("a", &["b", "c"]), ("b", &["c"])]).is_ok());
    }
}
