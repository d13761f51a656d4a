//! A whole login: password, one-time code, tokens that are refreshed, logout, and the end of all sessions.
//!
//! ```sh
//! cargo run --example login --features axum,jwt,mfa,password
//! ```
//!
//! It has one user, `alice`, with the password `correct horse battery`. `/phone` is the app on her phone, `/paper` the sheet with her
//! recovery codes. In another terminal, in bash:
//!
//! ```sh
//! # A wrong password: 401 login_failed
//! curl -i -X POST http://127.0.0.1:3009/login -d 'alice&correct horse&000000'
//!
//! # An account that is not there, answered alike: 401 login_failed
//! curl -i -X POST http://127.0.0.1:3009/login -d 'nobody&correct horse&000000'
//!
//! # The right password with a wrong code: 401 login_failed
//! curl -i -X POST http://127.0.0.1:3009/login -d 'alice&correct horse battery&000000'
//!
//! # What the app on the phone shows
//! CODE=$(curl -s http://127.0.0.1:3009/phone)
//!
//! # With it: an access token and a refresh token
//! read -r ACCESS REFRESH < <(curl -s -X POST http://127.0.0.1:3009/login -d "alice&correct horse battery&$CODE")
//!
//! # Who the bearer is: 200 alice by pwd otp mfa
//! curl -i http://127.0.0.1:3009/me -H "Authorization: Bearer $ACCESS"
//!
//! # Whoever has looked over her shoulder: 401 login_failed
//! curl -i -X POST http://127.0.0.1:3009/login -d "alice&correct horse battery&$CODE"
//!
//! # The next pair
//! read -r ACCESS NEXT < <(curl -s -X POST http://127.0.0.1:3009/token -d "$REFRESH")
//!
//! # Who the bearer is now: 200 alice by pwd otp mfa
//! curl -i http://127.0.0.1:3009/me -H "Authorization: Bearer $ACCESS"
//!
//! # Somebody has copied the first refresh token, and comes when the answer cannot be a lost one any more: 400 invalid_grant
//! sleep 11; curl -i -X POST http://127.0.0.1:3009/token -d "$REFRESH"
//!
//! # That was the end of the family, for the thief and for alice: 400 invalid_grant
//! curl -i -X POST http://127.0.0.1:3009/token -d "$NEXT"
//!
//! # Of its access tokens as well: 401
//! curl -i http://127.0.0.1:3009/me -H "Authorization: Bearer $ACCESS"
//!
//! # A recovery code from the sheet
//! CODE=$(curl -s http://127.0.0.1:3009/paper)
//!
//! # She logs in anew
//! read -r ACCESS REFRESH < <(curl -s -X POST http://127.0.0.1:3009/login -d "alice&correct horse battery&$CODE")
//!
//! # Another password, which is on every list: 422 password_refused
//! curl -i -X POST http://127.0.0.1:3009/password -H "Authorization: Bearer $ACCESS" -d 'correct horse battery&password123'
//!
//! # A good one ends all her sessions: 204
//! curl -i -X POST http://127.0.0.1:3009/password -H "Authorization: Bearer $ACCESS" -d 'correct horse battery&nine purple otters'
//!
//! # This one too: 401
//! curl -i http://127.0.0.1:3009/me -H "Authorization: Bearer $ACCESS"
//!
//! # Another code from the sheet
//! CODE=$(curl -s http://127.0.0.1:3009/paper)
//!
//! # In again, with the new password
//! read -r ACCESS REFRESH < <(curl -s -X POST http://127.0.0.1:3009/login -d "alice&nine purple otters&$CODE")
//!
//! # Out: 204
//! curl -i -X POST http://127.0.0.1:3009/logout -d "$REFRESH"
//!
//! # Her access token has ended with it: 401
//! curl -i http://127.0.0.1:3009/me -H "Authorization: Bearer $ACCESS"
//! ```
//!
//! The tokens are answered as two words, which a shell can read: in earnest they are JSON (RFC 6749 section 5.1).

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use tower_security::auth::AuthLayer;
use tower_security::axum::Auth;
use tower_security::core::{
    ClientIpLayer, Clock, EventName, Outcome, PepperRing, Principal, RefusalContext, Rejection,
    Secret, SecurityEvent, SystemClock, TrustedProxies,
};
use tower_security::mfa::{MemoryMfaStore, MfaError, RecoveryCodes, TotpService};
use tower_security::password::{PasswordHasher, PasswordPolicy};
use tower_security::rate_limit::login::{LoginAttempt, LoginThrottle};
use tower_security::token::jws::{Algorithm, SigningKey};
use tower_security::token::{
    Grant, JwtVerifier, KeyRing, MemoryRefreshStore, MemoryRevocationStore, RefreshContext,
    RefreshService, TokenIssuer, TokenPair,
};

const ISSUER: &str = "https://login.example.com";
const AUDIENCE: &str = "https://orders.example.com";
const CLIENT: &str = "web";

/// In earnest 32 random bytes each, from where the service keeps its secrets.
const THROTTLE: &[u8; 32] =
    b"\x5c\xe1\x09\x7f\xb2\x34\xd8\x60\xaf\x1d\x93\x46\xe7\x28\x8b\xf5one, an example.";
const TOKENS: &[u8; 32] =
    b"\x1d\x74\xc3\x2a\x60\xf8\x47\xbe\x19\x8e\x0b\x91\xd5\x5f\x13\xa7two, an example.";
const PEPPER: &[u8; 32] =
    b"\x9f\x21\x6b\xd0\x43\xee\x5a\x17\xc8\x02\x7d\xb6\x38\x94\xf1\x4cthree, examples.";

/// What the service knows of its users: one row, and the hash of a password in it.
type Users = Arc<Mutex<HashMap<String, String>>>;

/// What handlers share. A clone costs some reference counts.
#[derive(Clone)]
pub struct Shop {
    users: Users,
    throttle: Arc<LoginThrottle>,
    hasher: PasswordHasher,
    policy: PasswordPolicy,
    totp: TotpService,
    recovery: RecoveryCodes,
    tokens: RefreshService,
    clock: Arc<dyn Clock>,
}

/// Whether a password or code is right is told by one text alone, and the rest by its status.
type Answer<T> = Result<T, Response>;

/// Tokens, which no cache may keep (RFC 6749 section 5.1).
type Tokens = ([(HeaderName, &'static str); 1], String);

impl Shop {
    fn users(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is it this user's password? For one who is not there the same is done, and takes as long.
    async fn check_password(
        &self,
        account: &str,
        password: &Secret<String>,
    ) -> Result<(), Rejection> {
        let stored = self.users().get(account).cloned();
        let verified = self.hasher.verify(password, stored.as_deref()).await?;
        if let (Some(better), Some(stored)) = (verified.rehash, stored) {
            // Only if nobody has changed it meanwhile.
            if let Some(hash) = self
                .users()
                .get_mut(account)
                .filter(|hash| **hash == stored)
            {
                *hash = better;
            }
        }
        Ok(())
    }

    /// A code of the app, or one from the sheet.
    async fn check_code(
        &self,
        head: &Parts,
        account: &str,
        code: &str,
    ) -> Result<&'static [&'static str], Rejection> {
        // Apps show blanks between the digits, which some people type.
        let is_sign = |byte: &u8| *byte == b'-' || byte.is_ascii_whitespace();
        let mut typed = code.bytes().filter(|byte| !is_sign(byte));
        let verified = if typed.all(|byte| byte.is_ascii_digit()) {
            let totp = self.totp.for_request(&head.extensions);
            totp.verify(account, code).await
        } else {
            let recovery = self.recovery.for_request(&head.extensions);
            let redeemed = recovery.redeem(account, code).await;
            redeemed.map(|redeemed| redeemed.verified())
        };
        match verified {
            Ok(verified) => Ok(verified.amr()),
            // Only who has the password gets as far as to try too many codes: to say so would tell that it was right.
            Err(MfaError::Throttled { .. }) => Err(MfaError::Invalid.rejection()),
            Err(error) => Err(error.rejection()),
        }
    }
}

/// `account&password&code`.
async fn log_in(
    State(shop): State<Shop>,
    context: RefusalContext,
    head: Parts,
    form: String,
) -> Answer<Tokens> {
    let mut form = form.splitn(3, '&');
    let account = form.next().unwrap_or_default();
    let password = Secret::from(form.next().unwrap_or_default());
    let code = form.next().unwrap_or_default();

    // Charged before anything is looked at; dropped, the guard counts a failure.
    let attempt = LoginAttempt::new(account).head(&head);
    let guard = shop
        .throttle
        .begin(attempt)
        .await
        .map_err(|refusal| context.refuse(refusal))?;
    shop.check_password(account, &password)
        .await
        .map_err(|error| context.refuse(error))?;
    let factors = shop
        .check_code(&head, account, code)
        .await
        .map_err(|error| context.refuse(error))?;
    // A cookie by which the device is known next time: a browser would get it.
    let _device = guard.success();

    let alice = Principal::builder(account)
        .client_id(CLIENT)
        .scopes(["orders:read"])
        .amr(["pwd"].iter().chain(factors))
        .auth_time(shop.clock.now());
    let tokens = shop.tokens.for_request(&head.extensions);
    let device = RefreshContext::new().label("curl");
    let pair = tokens.login(&Grant::new(alice.build()), &device).await;
    pair.map(shown).map_err(|error| context.refuse(error))
}

async fn refresh(
    State(shop): State<Shop>,
    context: RefusalContext,
    head: Parts,
    token: String,
) -> Answer<Tokens> {
    let tokens = shop.tokens.for_request(&head.extensions);
    let client = RefreshContext::new().client_id(CLIENT);
    let pair = tokens.refresh(token.trim(), &client).await;
    pair.map(shown).map_err(|error| context.refuse(error))
}

fn shown(pair: TokenPair) -> Tokens {
    let [access, refresh] = [pair.access_token.token(), &pair.refresh_token];
    let text = format!("{} {}\n", access.expose(), refresh.expose());
    ([(header::CACHE_CONTROL, "no-store")], text)
}

async fn log_out(
    State(shop): State<Shop>,
    context: RefusalContext,
    head: Parts,
    token: String,
) -> Answer<StatusCode> {
    let tokens = shop.tokens.for_request(&head.extensions);
    let client = RefreshContext::new().client_id(CLIENT);
    let ended = tokens.revoke_token(token.trim(), &client).await;
    ended
        .map(|_| StatusCode::NO_CONTENT)
        .map_err(|error| context.refuse(error))
}

/// `old&new`.
async fn change_password(
    State(shop): State<Shop>,
    Auth(who): Auth,
    context: RefusalContext,
    head: Parts,
    form: String,
) -> Answer<StatusCode> {
    let (old, new) = form.split_once('&').unwrap_or((&form, ""));
    let (old, new) = (Secret::from(old), Secret::from(new));
    let account = who.subject();
    let attempt = LoginAttempt::new(account).head(&head);
    let guard = shop
        .throttle
        .begin(attempt)
        .await
        .map_err(|refusal| context.refuse(refusal))?;
    shop.check_password(account, &old)
        .await
        .map_err(|error| context.refuse(error))?;
    let _device = guard.success();
    shop.policy
        .check(&new, &[account])
        .await
        .map_err(|error| context.refuse(error))?;
    let hash = shop
        .hasher
        .hash(&new)
        .await
        .map_err(|error| context.refuse(error))?;
    shop.users().insert(account.to_owned(), hash);
    // What is stored the hasher does not see.
    SecurityEvent::new(EventName::AuthnPasswordChange, "shop", "password_changed")
        .outcome(Outcome::Success)
        .principal(account)
        .emit(&head.extensions);

    // Whoever knew the old one may be logged in somewhere.
    let tokens = shop.tokens.for_request(&head.extensions);
    let ended = tokens.revoke_subject(account).await;
    ended
        .map(|_| StatusCode::NO_CONTENT)
        .map_err(|error| context.refuse(error))
}

async fn me(Auth(who): Auth) -> String {
    let factors: Vec<_> = who.amr().collect();
    format!("{} by {}\n", who.subject(), factors.join(" "))
}

/// What alice has at hand: her phone, and the sheet that was printed when she enrolled.
pub struct Hands {
    app: totp_rs::Totp,
    sheet: Mutex<Vec<Secret<String>>>,
    clock: Arc<dyn Clock>,
}

impl Hands {
    fn code(&self, ago: Duration) -> String {
        let now = self.clock.now() - ago;
        let since = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        self.app.generate(since.as_secs()).to_string()
    }

    async fn phone(State(hands): State<Arc<Self>>) -> String {
        hands.code(Duration::ZERO)
    }

    async fn paper(State(hands): State<Arc<Self>>) -> Result<String, StatusCode> {
        let next = hands
            .sheet
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        next.map(|code| code.expose().clone())
            .ok_or(StatusCode::GONE)
    }
}

/// The service, with a clock of the caller's.
pub async fn app(clock: impl Clock + Clone) -> Result<Router, Box<dyn Error + Send + Sync>> {
    let shared: Arc<dyn Clock> = Arc::new(clock.clone());
    let peppers = PepperRing::builder("2027", PEPPER).build()?;
    let revocations = MemoryRevocationStore::new();
    // In earnest `SigningKey::from_pem`, or each start would end all sessions.
    let keys = KeyRing::new(SigningKey::generate(Algorithm::EdDsa)?);
    let issuer = TokenIssuer::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .signing(keys)
        .clock(clock.clone())
        .build()?;
    // This service verifies its own tokens; others fetch `issuer.jwks()`.
    let verifier = JwtVerifier::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .keys(issuer.clone())
        .revocation(revocations.clone())
        .clock(clock.clone())
        .build()?;
    let factors = MemoryMfaStore::new();
    let shop = Shop {
        users: Users::default(),
        throttle: Arc::new(
            LoginThrottle::builder(THROTTLE)
                .clock(clock.clone())
                .build()?,
        ),
        hasher: PasswordHasher::builder().pepper(peppers.clone()).build()?,
        policy: PasswordPolicy::with_mfa()
            .context_words(["example"])
            .build()?,
        totp: TotpService::builder(factors.clone(), "Example")
            .clock(clock.clone())
            .build()?,
        recovery: RecoveryCodes::builder(factors, peppers)
            .clock(clock.clone())
            .build()?,
        tokens: RefreshService::builder(MemoryRefreshStore::new(), issuer)
            .rotation_key("2027", TOKENS)
            .revocation(revocations)
            .clock(clock)
            .build()?,
        clock: Arc::clone(&shared),
    };

    // Alice has registered, and enrolled her phone.
    let hash = shop
        .hasher
        .hash(&Secret::from("correct horse battery"))
        .await?;
    shop.users().insert("alice".to_owned(), hash);
    let enrolment = shop.totp.enrol("alice", "alice@example.com").await?;
    let hands = Arc::new(Hands {
        app: totp_rs::Builder::new()
            .with_secret(enrolment.secret().expose().clone())
            .build()?,
        sheet: Mutex::new(shop.recovery.generate("alice").await?),
        clock: shared,
    });
    shop.totp
        .confirm("alice", &hands.code(Duration::from_secs(30)))
        .await?;

    let with_token = Router::new()
        .route("/me", get(me))
        .route("/password", post(change_password))
        .layer(AuthLayer::builder().bearer(verifier).build()?);
    Ok(Router::new()
        .route("/login", post(log_in))
        .route("/token", post(refresh))
        .route("/logout", post(log_out))
        .merge(with_token)
        .layer(ClientIpLayer::new(TrustedProxies::direct()))
        .with_state(shop)
        .merge(
            Router::new()
                .route("/phone", get(Hands::phone))
                .route("/paper", get(Hands::paper))
                .with_state(hands),
        ))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    // Events go to `tracing`.
    tracing_subscriber::fmt().init();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 3009)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let service = app(SystemClock)
        .await?
        .into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}
