//! Who may push.

use super::super::failure::Failure;
use actix_web::http::header::{self, HeaderMap};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;
use subtle::ConstantTimeEq;

/// What a request that writes must bring.
#[derive(Clone, Default)]
pub enum Credential {
    /// Nothing; but no web page may write.
    #[default]
    None,
    /// This, as a bearer token (RFC 6750, section 2.1), or as the password of any user.
    Token(String),
    /// These (RFC 7617).
    User {
        /// The name.
        name: String,
        /// The password.
        password: String,
    },
}

impl Credential {
    /// Whether there is one.
    pub fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether a request may write.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Failure> {
        if !self.is_some() {
            // A page that a browser shows could write to its user's own machine.
            let is_page = headers.contains_key(header::ORIGIN);
            return if is_page { Err(Failure::Page) } else { Ok(()) };
        }
        let given = headers.get(header::AUTHORIZATION).ok_or(Failure::Unauthorized)?;
        let (scheme, given) = split(given.as_bytes()).ok_or(Failure::Wrong)?;
        let is_right = if scheme.eq_ignore_ascii_case(b"bearer") {
            matches!(self, Self::Token(token) if is_same(given, token.as_bytes()))
        } else if scheme.eq_ignore_ascii_case(b"basic") {
            STANDARD.decode(given).is_ok_and(|given| self.is_basic(&given))
        } else {
            false
        };
        if is_right { Ok(()) } else { Err(Failure::Wrong) }
    }

    fn is_basic(&self, given: &[u8]) -> bool {
        match self {
            Self::None => false,
            Self::Token(token) => {
                let colon = given.iter().position(|byte| *byte == b':');
                colon.is_some_and(|colon| is_same(&given[colon + 1..], token.as_bytes()))
            }
            Self::User { name, password } => {
                is_same(given, format!("{name}:{password}").as_bytes())
            }
        }
    }
}

/// In a time that does not tell how much of it is right.
fn is_same(given: &[u8], wanted: &[u8]) -> bool {
    given.ct_eq(wanted).into()
}

fn split(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = value.iter().position(|byte| *byte == b' ')?;
    Some((&value[..space], value[space..].trim_ascii()))
}

/// Secrets are not shown.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Token(_) => "Token(…)",
            Self::User { .. } => "User(…)",
        })
    }
}
