use tower_security::csrf::CsrfLayer;
use tower_security::stack::SecurityStack;

fn main() {
    let _ = SecurityStack::new()
        .csrf(CsrfLayer::new())
        .trust_cors_origins();
}
