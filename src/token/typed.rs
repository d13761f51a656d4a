//! Claims as a type of the application.

use std::fmt;

use serde::Deserialize;

use crate::core::Principal;

/// Why the claims of a principal are not of the wanted type. Shows none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimsError {
    /// It was not authenticated by a token with claims.
    Absent,
    /// A claim is missing or of another type.
    Shape,
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "the principal has no claims of a token",
            Self::Shape => "the claims of the token are not of the wanted type",
        })
    }
}

impl std::error::Error for ClaimsError {}

impl Principal {
    /// Reads the claims of the verified token as a type of the application's, which may borrow from it.
    ///
    /// What the token says beyond that is passed over. It was signed as it is: no claim is there twice.
    ///
    /// # Errors
    ///
    /// [`ClaimsError::Absent`] for a principal without a JSON Web Token, [`ClaimsError::Shape`] for claims of another type.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::core::Principal;
    /// use tower_security::token::ClaimsError;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Plan<'a> {
    ///     plan: &'a str,
    /// }
    ///
    /// fn is_paid(principal: &Principal) -> bool {
    ///     principal.claims::<Plan<'_>>().is_ok_and(|claims| claims.plan == "gold")
    /// }
    ///
    /// let by_api_key = Principal::builder("alice").build();
    /// assert!(!is_paid(&by_api_key));
    /// assert_eq!(by_api_key.claims::<Plan<'_>>().err(), Some(ClaimsError::Absent));
    /// ```
    pub fn claims<'a, T: Deserialize<'a>>(&'a self) -> Result<T, ClaimsError> {
        let document = self.document().ok_or(ClaimsError::Absent)?;
        serde_json::from_str(document).map_err(|_| ClaimsError::Shape)
    }
}
