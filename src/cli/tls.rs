//! The options of `lldash` on TLS, and addresses that say whether they want it.

use crate::{
    server::Endpoint,
    tls::{Certificate, Files},
};
use clap::{Args, builder::BoolishValueParser};
use std::{net::SocketAddr, path::PathBuf};

/// What clients are shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "HTTPS and HTTP/2")]
pub(super) struct TlsOptions {
    /// Serve HTTPS with this certificate chain (PEM), on all addresses that do not begin with
    /// http://; read again when it changes
    #[arg(long, value_name = "FILE", env = "LLDASH_TLS_CERT")]
    tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert (PEM)
    #[arg(long, value_name = "FILE", env = "LLDASH_TLS_KEY")]
    tls_key: Option<PathBuf>,

    /// Serve HTTPS with a certificate that is made now, and print its fingerprint; for a lab
    #[arg(long, env = "LLDASH_TLS_SELF_SIGNED", value_parser = BoolishValueParser::new())]
    tls_self_signed: bool,
}

impl TlsOptions {
    /// What cannot be, in one line.
    pub(super) fn contradiction(&self, listen: &[&Listen]) -> Option<&'static str> {
        let is_wanted = listen.iter().any(|listen| listen.is_tls == Some(true));
        match (&self.tls_cert, &self.tls_key, self.tls_self_signed) {
            (Some(_), None, _) => Some("--tls-cert needs its private key: give --tls-key"),
            (None, Some(_), _) => Some("--tls-key needs its certificate: give --tls-cert"),
            (Some(_), Some(_), true) => {
                Some("--tls-self-signed makes a certificate: give it, or --tls-cert and --tls-key")
            }
            (None, None, false) if is_wanted => Some(
                "an https:// address needs a certificate: give --tls-cert and --tls-key, or \
                 --tls-self-signed",
            ),
            _ => None,
        }
    }

    pub(super) fn certificate(&self) -> Option<Certificate> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => {
                Some(Certificate::Files(Files { cert: cert.clone(), key: key.clone() }))
            }
            _ => self.tls_self_signed.then_some(Certificate::SelfSigned),
        }
    }
}

/// An address as it is given: `[http://|https://]ADDR:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listen {
    pub(super) address: SocketAddr,
    /// `None`: with TLS where there is a certificate.
    is_tls: Option<bool>,
}

impl Listen {
    pub(super) fn at(address: SocketAddr) -> Self {
        Self { address, is_tls: None }
    }

    pub(super) fn endpoint(&self, has_certificate: bool) -> Endpoint {
        Endpoint { address: self.address, is_tls: self.is_tls.unwrap_or(has_certificate) }
    }
}

/// Reads an address.
///
/// # Errors
/// With one line that says what is taken.
pub(super) fn listen(text: &str) -> Result<Listen, String> {
    let text = text.trim();
    let schemes = [("https://", Some(true)), ("http://", Some(false))];
    let of = |(scheme, is_tls)| text.strip_prefix(scheme).map(|rest| (rest, is_tls));
    let (address, is_tls) = schemes.into_iter().find_map(of).unwrap_or((text, None));
    let address = address.trim_end_matches('/').parse();
    let address = address.map_err(|_| {
        format!("{text} is no address such as 127.0.0.1:8080, [::1]:8080 or https://0.0.0.0:8443")
    })?;
    Ok(Listen { address, is_tls })
}
