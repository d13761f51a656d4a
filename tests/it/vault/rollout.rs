//! Two nodes that are deployed one after the other, in every order of what happens.

use std::collections::HashSet;

use tower_security::vault::{KeyRing, Protector};

use super::{key, quiet};

/// The rings of a rotation from key 1 to key 2, and from 2 to 3, in the order of their deployment.
fn steps() -> Vec<KeyRing> {
    let rings = [
        quiet(1),
        quiet(1).next(2, key(2)),
        quiet(2).retired(1, key(1)),
        quiet(2).retired(1, key(1)).next(3, key(3)),
        quiet(3).retired(2, key(2)).retired(1, key(1)),
        quiet(3).retired(2, key(2)).revoked(1),
    ];
    rings.map(|ring| ring.build().unwrap()).into()
}

/// The table holds one value. A node writes it, reads it, or runs its job of rotation over it; or is deployed.
#[derive(Clone, Copy, Debug)]
enum Act {
    Deploy(usize),
    Write(usize),
    Job(usize),
}

#[derive(Clone)]
struct World {
    at: [usize; 2],
    value: Vec<u8>,
}

#[test]
fn nodes_one_step_apart_read_each_other_at_every_step() {
    let columns: Vec<Protector> = steps()
        .iter()
        .map(|ring| ring.purpose(&["users", "ssn"]).unwrap())
        .collect();
    let first = columns[0].protect(b"x", &["7"]).unwrap();
    let start = World {
        at: [0, 0],
        value: first,
    };
    // What can happen next depends on where the nodes are and on the key of the value alone.
    let place = |world: &World| (world.at, world.value[4]);
    let mut seen = HashSet::from([place(&start)]);
    let mut worlds = vec![start];
    let mut ends = HashSet::new();
    while let Some(world) = worlds.pop() {
        for node in world.at {
            let opened = columns[node].unprotect(&world.value, &["7"]);
            assert!(opened.is_ok(), "{:?}", place(&world));
        }
        if world.at == [columns.len() - 1; 2] {
            ends.insert(world.value[4]);
        }
        let nodes = [0, 1].into_iter();
        for act in nodes.flat_map(|node| [Act::Deploy(node), Act::Write(node), Act::Job(node)]) {
            if let Some(next) = done(&columns, &world, act)
                && seen.insert(place(&next))
            {
                worlds.push(next);
            }
        }
    }
    // Both nodes get to the end, where the value is of the key that is active.
    assert_eq!(ends, HashSet::from([3]));
    assert!(seen.len() > 20, "{}", seen.len());
}

fn done(columns: &[Protector], world: &World, act: Act) -> Option<World> {
    let mut next = world.clone();
    match act {
        Act::Deploy(node) => {
            next.at[node] += 1;
            // One step apart at most, and not beyond the last. A key is revoked when the table needs no rotation any more.
            let is_revoking = next.at[node] == 5;
            let is_left = columns[4].needs_rotation(&world.value);
            let apart = next.at[0].abs_diff(next.at[1]);
            (apart <= 1 && next.at[node] < columns.len() && !(is_revoking && is_left))
                .then_some(next)
        }
        Act::Write(node) => {
            next.value = columns[world.at[node]].protect(b"x", &["7"]).unwrap();
            Some(next)
        }
        Act::Job(node) => {
            let anew = columns[world.at[node]].reprotect(&world.value, &["7"]);
            next.value = anew.expect("it opens")?;
            Some(next)
        }
    }
}

#[test]
fn a_job_of_a_node_that_is_behind_undoes_nothing() {
    let rings = steps();
    let columns = rings
        .iter()
        .map(|ring| ring.purpose(&["users", "ssn"]).unwrap());
    let columns: Vec<_> = columns.collect();
    let ahead = columns[2].protect(b"x", &["7"]).unwrap();
    assert_eq!(columns[1].reprotect(&ahead, &["7"]), Ok(None));
    let behind = columns[1].protect(b"x", &["7"]).unwrap();
    assert!(columns[2].reprotect(&behind, &["7"]).unwrap().is_some());
}
