//! The names an event can have.

use super::Level;

macro_rules! event_names {
    ($( #[doc = $doc:literal] $variant:ident = $name:literal, $category:ident, $level:ident; )*) => {
        /// The name of a [`SecurityEvent`](super::SecurityEvent): one of the OWASP Logging Vocabulary and nothing free-form.
        ///
        /// What has no name there is told apart by the event's `code`. Source: OWASP Logging Vocabulary Cheat Sheet.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum EventName {
            $( #[doc = $doc] $variant, )*
        }

        impl EventName {
            /// All names, in the order of the enum.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )*];

            /// Returns the name as the vocabulary spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $name, )* }
            }

            /// Returns what the name says, as a sentence: for people who read a log.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $( Self::$variant => $doc.trim_ascii(), )* }
            }

            /// Returns the group that the name belongs to; `TracingSink` makes its target of it.
            #[must_use]
            pub const fn category(self) -> EventCategory {
                match self { $( Self::$variant => EventCategory::$category, )* }
            }

            /// Returns the level that an event of this name has unless its maker says otherwise.
            #[must_use]
            pub const fn default_level(self) -> Level {
                match self { $( Self::$variant => Level::$level, )* }
            }
        }
    };
}

event_names! {
    /// A login succeeded.
    AuthnLoginSuccess = "authn_login_success", Authn, Info;
    /// A login succeeded after failures.
    AuthnLoginSuccessAfterFail = "authn_login_successafterfail", Authn, Info;
    /// A credential was missing or refused.
    AuthnLoginFail = "authn_login_fail", Authn, Warn;
    /// The allowed number of failed logins was reached.
    AuthnLoginFailMax = "authn_login_fail_max", Authn, Warn;
    /// An account was locked.
    AuthnLoginLock = "authn_login_lock", Authn, Warn;
    /// A password was changed.
    AuthnPasswordChange = "authn_password_change", Authn, Info;
    /// A change of password was refused.
    AuthnPasswordChangeFail = "authn_password_change_fail", Authn, Warn;
    /// One account was used from places too far apart.
    AuthnImpossibleTravel = "authn_impossible_travel", Authn, Critical;
    /// A token was issued.
    AuthnTokenCreated = "authn_token_created", Authn, Info;
    /// A token was revoked.
    AuthnTokenRevoked = "authn_token_revoked", Authn, Info;
    /// A token that had been used up came back.
    AuthnTokenReuse = "authn_token_reuse", Authn, Critical;
    /// A token was deleted.
    AuthnTokenDelete = "authn_token_delete", Authn, Warn;
    /// Access was denied.
    AuthzFail = "authz_fail", Authz, Warn;
    /// The rights of a user were changed.
    AuthzChange = "authz_change", Authz, Warn;
    /// Access was given because of an administrator's rights.
    AuthzAdmin = "authz_admin", Authz, Warn;
    /// Decryption failed.
    CryptDecryptFail = "crypt_decrypt_fail", Crypt, Warn;
    /// Encryption failed, or randomness was not to be had.
    CryptEncryptFail = "crypt_encrypt_fail", Crypt, Warn;
    /// A rate limit was exceeded.
    ExcessRateLimitExceeded = "excess_rate_limit_exceeded", Excess, Warn;
    /// A user has too many sessions.
    ExcessSessionsExceeded = "excess_sessions_exceeded", Excess, Warn;
    /// An upload ended.
    UploadComplete = "upload_complete", Upload, Info;
    /// An upload was stored.
    UploadStored = "upload_stored", Upload, Info;
    /// An upload was checked.
    UploadValidation = "upload_validation", Upload, Info;
    /// An upload was deleted.
    UploadDelete = "upload_delete", Upload, Info;
    /// Input broke a rule.
    InputValidationFail = "input_validation_fail", Input, Warn;
    /// Input outside a fixed set of values, such as a drop-down list.
    InputValidationDiscreteFail = "input_validation_discrete_fail", Input, Warn;
    /// Many requests for what does not exist.
    MaliciousExcess404 = "malicious_excess_404", Malicious, Warn;
    /// Input that the application never asks for.
    MaliciousExtraneous = "malicious_extraneous", Malicious, Critical;
    /// An attack tool was recognised.
    MaliciousAttackTool = "malicious_attack_tool", Malicious, Critical;
    /// SQL injection was tried.
    MaliciousSqli = "malicious_sqli", Malicious, Critical;
    /// A cross-origin request from an origin that is not allowed.
    MaliciousCors = "malicious_cors", Malicious, Warn;
    /// A forged cross-site request.
    MaliciousCsrf = "malicious_csrf", Malicious, Warn;
    /// A page broke its content security policy.
    MaliciousCspViolation = "malicious_csp_violation", Malicious, Warn;
    /// An object was asked for by a reference that was tampered with.
    MaliciousDirectReference = "malicious_direct_reference", Malicious, Critical;
    /// Privileges of an object were changed.
    PrivilegePermissionsChanged = "privilege_permissions_changed", Privilege, Warn;
    /// A sensitive object was created.
    SensitiveCreate = "sensitive_create", Sensitive, Warn;
    /// A sensitive object was read.
    SensitiveRead = "sensitive_read", Sensitive, Warn;
    /// A sensitive object was changed.
    SensitiveUpdate = "sensitive_update", Sensitive, Warn;
    /// A sensitive object was deleted.
    SensitiveDelete = "sensitive_delete", Sensitive, Warn;
    /// Steps were taken out of order.
    SequenceFail = "sequence_fail", Sequence, Critical;
    /// A session was created.
    SessionCreated = "session_created", Session, Info;
    /// A session was renewed.
    SessionRenewed = "session_renewed", Session, Info;
    /// A session expired.
    SessionExpired = "session_expired", Session, Info;
    /// A user logged out.
    SessionLogout = "session_logout", Session, Info;
    /// A session was used after it had expired.
    SessionUseAfterExpire = "session_use_after_expire", Session, Critical;
    /// The system started.
    SysStartup = "sys_startup", Sys, Warn;
    /// The system stopped.
    SysShutdown = "sys_shutdown", Sys, Warn;
    /// The system restarted.
    SysRestart = "sys_restart", Sys, Warn;
    /// A fault inside the system.
    SysCrash = "sys_crash", Sys, Error;
    /// A protection is not in force.
    SysMonitorDisabled = "sys_monitor_disabled", Sys, Warn;
    /// A protection is in force again.
    SysMonitorEnabled = "sys_monitor_enabled", Sys, Warn;
    /// A user was created.
    UserCreated = "user_created", User, Warn;
    /// A user was changed.
    UserUpdated = "user_updated", User, Warn;
    /// A user was archived.
    UserArchived = "user_archived", User, Warn;
    /// A user was deleted.
    UserDeleted = "user_deleted", User, Warn;
}

impl std::fmt::Display for EventName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The group of an [`EventName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the variants are the prefixes of the vocabulary's names"
)]
pub enum EventCategory {
    Authn,
    Authz,
    Crypt,
    Excess,
    Upload,
    Input,
    Malicious,
    Privilege,
    Sensitive,
    Sequence,
    Session,
    Sys,
    User,
}
