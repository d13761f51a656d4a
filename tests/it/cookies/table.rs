//! Lines of `Set-Cookie` and what the strict layer makes of each. The browser test gives the same rows to Chromium.

use tower_security::cookies::CookieViolation::{self, *};

/// What becomes of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Becomes {
    Dropped(CookieViolation),
    Kept,
    This(&'static [u8]),
}

use Becomes::{Dropped, Kept, This};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) line: &'static [u8],
    pub(crate) becomes: Becomes,
}

const fn row(line: &'static [u8], becomes: Becomes) -> Row {
    Row { line, becomes }
}

/// `site.test` stands for the site of the server.
pub(crate) const STRICT: &[Row] = &[
    // Attributes are added, and what is there already is left.
    row(b"a=1", This(b"a=1; Secure; HttpOnly; SameSite=Lax")),
    row(b"a=1; Secure; HttpOnly; SameSite=Lax", Kept),
    row(b"a=1; SameSite=Strict; HttpOnly; Secure", Kept),
    row(b"a=1; SECURE; httponly; sAmEsItE=lAx", Kept),
    row(b"a=1;Secure;HttpOnly;SameSite=Lax", Kept),
    row(b"a=1; \tSecure\t ; HttpOnly ; SameSite = Lax ", Kept),
    row(b"a=1; Secure", This(b"a=1; Secure; HttpOnly; SameSite=Lax")),
    row(
        b"a=1; HttpOnly",
        This(b"a=1; HttpOnly; Secure; SameSite=Lax"),
    ),
    row(
        b"a=1; SameSite=Lax",
        This(b"a=1; SameSite=Lax; Secure; HttpOnly"),
    ),
    row(
        b"a=1; Secure=false",
        This(b"a=1; Secure=false; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1; HttpOnly=0; Secure=no",
        This(b"a=1; HttpOnly=0; Secure=no; SameSite=Lax"),
    ),
    row(
        b"a=1; Secured; NotHttpOnly",
        This(b"a=1; Secured; NotHttpOnly; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=Secure; b=HttpOnly",
        This(b"a=Secure; b=HttpOnly; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1, Secure, HttpOnly, SameSite=Lax",
        This(b"a=1, Secure, HttpOnly, SameSite=Lax; Secure; HttpOnly; SameSite=Lax"),
    ),
    // SameSite: the last one counts, and one that is unknown counts as none.
    row(
        b"a=1; SameSite=None",
        This(b"a=1; SameSite=None; Secure; HttpOnly"),
    ),
    row(b"a=1; SameSite=None; Secure; HttpOnly", Kept),
    row(
        b"a=1; SameSite=Lax; SameSite=None",
        This(b"a=1; SameSite=Lax; SameSite=None; Secure; HttpOnly"),
    ),
    row(
        b"a=1; SameSite=None; SameSite=Strict",
        This(b"a=1; SameSite=None; SameSite=Strict; Secure; HttpOnly"),
    ),
    row(
        b"a=1; samesite=bogus",
        This(b"a=1; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1; SameSite",
        This(b"a=1; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1; SameSite=; Path=/",
        This(b"a=1; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1; SameSite=Strict; SameSite=x",
        This(b"a=1; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1; SameSite=x; SameSite=Strict",
        This(b"a=1; SameSite=x; SameSite=Strict; Secure; HttpOnly"),
    ),
    row(
        b"a=1; SameSite=\"Lax\"",
        This(b"a=1; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1; Partitioned",
        This(b"a=1; Partitioned; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(b"a=1; Partitioned; Secure; HttpOnly; SameSite=None", Kept),
    // Other attributes are left as they are.
    row(
        b"a=1; Expires=Wed, 09 Jun 2032 10:18:14 GMT",
        This(b"a=1; Expires=Wed, 09 Jun 2032 10:18:14 GMT; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1; Max-Age=60; Priority=High; Version=1",
        This(b"a=1; Max-Age=60; Priority=High; Version=1; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1; Domain=site.test; Path=/",
        This(b"a=1; Domain=site.test; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1; Domain=.site.test",
        This(b"a=1; Domain=.site.test; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1; Domain=",
        This(b"a=1; Domain=; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1; Path=/z",
        This(b"a=1; Path=/z; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1; Path=/; Path=/z",
        This(b"a=1; Path=/; Path=/z; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1; Path=z",
        This(b"a=1; Path=z; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=1;;; ;HttpOnly",
        This(b"a=1;;; ;HttpOnly; Secure; SameSite=Lax"),
    ),
    row(b"a=1;", This(b"a=1;; Secure; HttpOnly; SameSite=Lax")),
    row(
        b"a=1; =; ==; =Secure; x=Secure",
        This(b"a=1; =; ==; =Secure; x=Secure; Secure; HttpOnly; SameSite=Lax"),
    ),
    // Names and values are whatever stands before the first `;`.
    row(
        b"a=x;y; Path=/",
        This(b"a=x;y; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=\"b c\"; Path=/",
        This(b"a=\"b c\"; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=\"x; Secure; HttpOnly; SameSite=Lax\"",
        This(b"a=\"x; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(b"a=b=c==", This(b"a=b=c==; Secure; HttpOnly; SameSite=Lax")),
    row(b"a=", This(b"a=; Secure; HttpOnly; SameSite=Lax")),
    row(b"a==", This(b"a==; Secure; HttpOnly; SameSite=Lax")),
    row(
        b"  a = 1  ; Path=/",
        This(b"  a = 1  ; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(b"a b=c d", This(b"a b=c d; Secure; HttpOnly; SameSite=Lax")),
    row(
        b"a=\xc3\xa9",
        This(b"a=\xc3\xa9; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"\xc3\xa9=1",
        This(b"\xc3\xa9=1; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(b"=v", This(b"=v; Secure; HttpOnly; SameSite=Lax")),
    row(b"v", This(b"v; Secure; HttpOnly; SameSite=Lax")),
    row(b"v; Secure; HttpOnly; SameSite=Lax", Kept),
    row(b"=", Dropped(Empty)),
    row(b"", Dropped(Empty)),
    row(b" = ; Path=/", Dropped(Empty)),
    row(b"; Path=/; Secure", Dropped(Empty)),
    // `__Secure-`
    row(
        b"__Secure-a=1",
        This(b"__Secure-a=1; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__sEcUrE-a=1; HttpOnly",
        This(b"__sEcUrE-a=1; HttpOnly; Secure; SameSite=Lax"),
    ),
    row(
        b"__Secure-a=1; Domain=site.test; Path=/z; Secure; HttpOnly; SameSite=Lax",
        Kept,
    ),
    // `__Host-`
    row(b"__Host-a=1; Path=/; Secure; HttpOnly; SameSite=Lax", Kept),
    row(
        b"__Host-a=1",
        This(b"__Host-a=1; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__Host-a=1; Path=/x",
        This(b"__Host-a=1; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__Host-a=1; Path=/; Path=",
        This(b"__Host-a=1; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__Host-a=1; Path=/x; Path=/",
        This(b"__Host-a=1; Path=/x; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__Host-a=1; Path=//",
        This(b"__Host-a=1; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__hOST-a=1; Secure; HttpOnly; SameSite=Lax",
        This(b"__hOST-a=1; Secure; HttpOnly; SameSite=Lax; Path=/"),
    ),
    row(
        b"__host-a=1; Domain=",
        This(b"__host-a=1; Domain=; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__Host-a=1; Domain; Path=/; Secure; HttpOnly; SameSite=Lax",
        Kept,
    ),
    row(b"__Host-a=1; Domain=site.test", Dropped(PrefixDomain)),
    row(b"__Host-a=1; Domain=b.example", Dropped(PrefixDomain)),
    row(
        b"__Host-a=1; Domain=; Domain=site.test",
        Dropped(PrefixDomain),
    ),
    row(
        b"__Host-a=1; Domain=site.test; Domain=",
        This(b"__Host-a=1; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__HOST-a=1; domain = .site.test; Path=/; Secure",
        Dropped(PrefixDomain),
    ),
    row(b"__Host-a=1; Domain=.", Dropped(PrefixDomain)),
    row(
        b"__Host-=1",
        This(b"__Host-=1; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__Hosta=1; Domain=site.test",
        This(b"__Hosta=1; Domain=site.test; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"x__Host-a=1; Domain=site.test",
        This(b"x__Host-a=1; Domain=site.test; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__HostHttp-a=1; Domain=site.test",
        This(b"__HostHttp-a=1; Domain=site.test; Secure; HttpOnly; SameSite=Lax"),
    ),
    // `__Http-` and `__Host-Http-`
    row(
        b"__Http-a=1; Secure",
        This(b"__Http-a=1; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__Http-a=1; Domain=site.test; Secure; HttpOnly; SameSite=Lax",
        Kept,
    ),
    row(
        b"__Host-Http-a=1; Secure; Path=/",
        This(b"__Host-Http-a=1; Secure; Path=/; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__host-http-a=1",
        This(b"__host-http-a=1; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__Host-Http-a=1; Domain=site.test; HttpOnly",
        Dropped(PrefixDomain),
    ),
    // A nameless cookie is sent as its value alone.
    row(b"=__Host-a=1", Dropped(NamelessPrefix)),
    row(b"__Host-a", Dropped(NamelessPrefix)),
    row(b"= __hoST-a=1; Secure; Path=/", Dropped(NamelessPrefix)),
    row(b"=__Secure-a=1; Secure", Dropped(NamelessPrefix)),
    row(b"__Http-a; Secure; HttpOnly", Dropped(NamelessPrefix)),
    row(b"=__Host-Http-a", Dropped(NamelessPrefix)),
    row(b"=__Hos", This(b"=__Hos; Secure; HttpOnly; SameSite=Lax")),
    row(
        b"=x__Host-a",
        This(b"=x__Host-a; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(b"=a=1; Secure", Dropped(NamelessPair)),
    row(b"==", Dropped(NamelessPair)),
    row(b" = =v; HttpOnly", Dropped(NamelessPair)),
];

/// A deletion needs what the cookie had, or the browser does not find it.
pub(crate) const DELETIONS: &[Row] = &[
    row(
        b"a=; Max-Age=0",
        This(b"a=; Max-Age=0; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        This(b"a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__Host-a=; Max-Age=-1; Path=/x",
        This(b"__Host-a=; Max-Age=-1; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ),
    row(
        b"__Host-a=; Max-Age=0; Domain=site.test",
        Dropped(PrefixDomain),
    ),
];
