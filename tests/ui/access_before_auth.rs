use tower_layer::Identity;
use tower_security::stack::SecurityStack;

fn main() {
    let _ = SecurityStack::new().access(Identity::new());
}
