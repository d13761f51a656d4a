/// A claim with a meaning of its own (RFC 7519, RFC 9068, `OpenID` Connect Core, RFC 7800).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::token) enum Known {
    Acr,
    Amr,
    Aud,
    AuthTime,
    ClientId,
    Cnf,
    Exp,
    Iat,
    Iss,
    Jti,
    Nbf,
    Sid,
    Sub,
}

impl Known {
    pub(in crate::token) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "acr" => Self::Acr,
            "amr" => Self::Amr,
            "aud" => Self::Aud,
            "auth_time" => Self::AuthTime,
            "client_id" => Self::ClientId,
            "cnf" => Self::Cnf,
            "exp" => Self::Exp,
            "iat" => Self::Iat,
            "iss" => Self::Iss,
            "jti" => Self::Jti,
            "nbf" => Self::Nbf,
            "sid" => Self::Sid,
            "sub" => Self::Sub,
            _ => return None,
        })
    }

    /// The reason of a token in which it is missing or wrong.
    pub(in crate::token) const fn fault(self) -> &'static str {
        match self {
            Self::Acr => "claim_acr",
            Self::Amr => "claim_amr",
            Self::Aud => "claim_aud",
            Self::AuthTime => "claim_auth_time",
            Self::ClientId => "claim_client_id",
            Self::Cnf => "claim_cnf",
            Self::Exp => "claim_exp",
            Self::Iat => "claim_iat",
            Self::Iss => "claim_iss",
            Self::Jti => "claim_jti",
            Self::Nbf => "claim_nbf",
            Self::Sid => "claim_sid",
            Self::Sub => "claim_sub",
        }
    }

    pub(super) const fn bit(self) -> u16 {
        1 << self as u16
    }
}
