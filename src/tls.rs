//! TLS: certificates, which are read again when their files change.
//!
//! A handshake looks at the files' times, at most once a second; what is on the way goes on with
//! the certificate that it began with. A pair that cannot be used, such as one of which only half
//! is replaced yet, changes nothing.

use std::{
    fmt,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
    server::TlsStream,
};

/// Where a certificate chain and its key lie, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The chain, the server's own certificate first.
    pub cert: PathBuf,
    /// Its private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: PathBuf,
}

/// Which certificate is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// One that others have made.
    Files(Files),
    /// One that is made at the start.
    SelfSigned,
}

/// Takes connections that begin with a TLS handshake.
#[derive(Clone)]
pub struct Acceptor(TlsAcceptor);

/// Why there is no TLS: one line.
#[derive(Debug)]
pub struct TlsError(String);

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}

/// The protocol names of HTTP/2 and HTTP/1.1 (RFC 7301, section 6; RFC 9113, section 3.2).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// How often the files are looked at, at most.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

impl Acceptor {
    /// With a certificate, for these names if it is made now: then its fingerprint is told.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn new(
        certificate: &Certificate,
        names: Vec<String>,
    ) -> Result<(Self, Option<String>), TlsError> {
        match certificate {
            Certificate::Files(files) => Ok((Self::of_files(files)?, None)),
            Certificate::SelfSigned => {
                let (acceptor, fingerprint) = Self::self_signed(names)?;
                Ok((acceptor, Some(fingerprint)))
            }
        }
    }

    /// With a certificate from files.
    ///
    /// # Errors
    /// When they cannot be read or do not belong together.
    pub fn of_files(files: &Files) -> Result<Self, TlsError> {
        // First: what is written meanwhile is read again.
        let stamps = stamps(files);
        let key = load(files).map_err(TlsError)?;
        let seen = Seen { key, stamps, looked: Instant::now() };
        Self::showing(Arc::new(Reloading { files: files.clone(), seen: Mutex::new(seen) }))
    }

    /// With a certificate made now, for these names; and its SHA-256 fingerprint, as browsers show
    /// it.
    ///
    /// # Errors
    /// When a name cannot stand in a certificate.
    pub fn self_signed(names: Vec<String>) -> Result<(Self, String), TlsError> {
        let refuse = |error: rcgen::Error| TlsError(format!("cannot make a certificate: {error}"));
        let made = rcgen::generate_simple_self_signed(names).map_err(refuse)?;
        let fingerprint = fingerprint(made.cert.der());
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let key = certified(vec![made.cert.der().clone()], key).map_err(TlsError)?;
        Ok((Self::showing(Arc::new(Fixed(Arc::new(key))))?, fingerprint))
    }

    fn showing(certificates: Arc<dyn ResolvesServerCert>) -> Result<Self, TlsError> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError(format!("cannot use TLS: {error}")))?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(certificates);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Shakes hands. Not cancel safe: dropped, the connection is of no use.
    ///
    /// # Errors
    /// When the client leaves, or does not agree.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Acceptor")
    }
}

/// Whether the client chose HTTP/2 in its handshake.
pub fn chose_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(PROTOCOLS[0])
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A certificate's fingerprint: pairs of hexadecimal digits.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let hash = ::ring::digest::digest(&::ring::digest::SHA256, certificate);
    let pairs: Vec<_> = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// A certificate that stays.
#[derive(Debug)]
struct Fixed(Arc<CertifiedKey>);

impl ResolvesServerCert for Fixed {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// A certificate whose files may change.
#[derive(Debug)]
struct Reloading {
    files: Files,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    key: Arc<CertifiedKey>,
    stamps: [Stamp; 2],
    looked: Instant,
}

/// What changes with a file; `None` while it cannot be had.
type Stamp = Option<(SystemTime, u64)>;

impl Reloading {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, seen: &mut Seen) {
        let stamps = stamps(&self.files);
        if stamps == seen.stamps {
            return;
        }
        seen.stamps = stamps;
        match load(&self.files) {
            Ok(key) => {
                log::info!("{} was read again", self.files.cert.display());
                seen.key = key;
            }
            Err(error) => log::warn!("the old certificate stays: {error}"),
        }
    }
}

impl ResolvesServerCert for Reloading {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let mut seen = self.seen();
        let now = Instant::now();
        if now.duration_since(seen.looked) >= LOOK_INTERVAL {
            seen.looked = now;
            self.look(&mut seen);
        }
        Some(seen.key.clone())
    }
}

fn stamps(files: &Files) -> [Stamp; 2] {
    let stamp = |file: Metadata| Some((file.modified().ok()?, file.len()));
    [&files.cert, &files.key].map(|file| fs::metadata(file).ok().and_then(stamp))
}

fn load(files: &Files) -> Result<Arc<CertifiedKey>, String> {
    let Files { cert, key } = files;
    let refuse = |file: &Path, what, error| match error {
        tokio_rustls::rustls::pki_types::pem::Error::Io(error) => {
            format!("cannot read {}: {error}", file.display())
        }
        _ => format!("{} holds no {what} as PEM", file.display()),
    };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refuse(cert, "certificate", error))?;
    if chain.is_empty() {
        return Err(format!("{} holds no certificate as PEM", cert.display()));
    }
    let own = PrivateKeyDer::from_pem_file(key);
    let own = own.map_err(|error| refuse(key, "private key", error))?;
    let pair = certified(chain, own);
    pair.map(Arc::new)
        .map_err(|error| format!("{} with {}: {error}", cert.display(), key.display()))
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, String> {
    CertifiedKey::from_der(chain, key, &provider()).map_err(|error| error.to_string())
}
