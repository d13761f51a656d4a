//! Authentication: what it costs above a bare service. See `harness` for the commands.

fn main() {}
