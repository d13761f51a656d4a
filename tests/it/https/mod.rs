//! HTTPS alone: redirect or refuse, HSTS, the host allow-list.
