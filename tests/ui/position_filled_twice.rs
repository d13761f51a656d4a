use tower_layer::Identity;
use tower_security::stack::{Innermost, SecurityStack};

fn main() {
    let _ = SecurityStack::new()
        .extra(Innermost, Identity::new())
        .extra(Innermost, Identity::new());
}
