//! Authorization by who is asking: scopes, roles, assurance.
