//! A client that speaks HTTP/2: over plain TCP by prior knowledge, or over TLS.

use super::Server;
use bytes::Bytes;
use h2::{RecvStream, SendStream, client};
use std::{net::SocketAddr, path::Path, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

/// A connection. Clones share it.
#[derive(Clone)]
pub struct Http2(client::SendRequest<Bytes>);

/// A response whose head has come, or that is still waited for.
pub type Answer = client::ResponseFuture;

impl Http2 {
    /// Connects by prior knowledge.
    pub async fn plain(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.expect("a connection")).await
    }

    /// Connects by TLS, trusting this certificate.
    pub async fn tls(address: SocketAddr, trusted: &Path) -> Self {
        let stream = handshake(address, trusted, &[b"h2"]).await.expect("trusted");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        Self::over(stream).await
    }

    async fn over<T>(io: T) -> Self
    where
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let (requests, connection) = client::handshake(io).await.expect("HTTP/2");
        tokio::spawn(connection);
        Self(requests)
    }

    /// Asks for a path.
    pub async fn ask(&self, method: &str, path: &str) -> Answer {
        let (answer, _) = self.send(method, path, true).await;
        answer
    }

    /// Begins an upload.
    pub async fn push(&self, path: &str) -> (Answer, SendStream<Bytes>) {
        self.send("PUT", path, false).await
    }

    async fn send(&self, method: &str, path: &str, ends: bool) -> (Answer, SendStream<Bytes>) {
        self.send_with(method, path, ends, &[]).await
    }

    /// Sends a request's head with these headers, and no body yet unless it `ends` here.
    pub async fn send_with(
        &self,
        method: &str,
        path: &str,
        ends: bool,
        headers: &[(&str, &str)],
    ) -> (Answer, SendStream<Bytes>) {
        let mut requests = self.0.clone().ready().await.expect("the connection stands");
        let request = http::Request::builder()
            .method(method)
            .uri(format!("https://localhost{path}"))
            .header("x-wait-timeout", "30000");
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        requests.send_request(request.body(()).expect("a request"), ends).expect("it is sent")
    }
}

/// Shakes hands.
pub async fn handshake(
    address: SocketAddr,
    trusted: &Path,
    protocols: &[&[u8]],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(trusted).expect("a certificate");
    roots.add(certificate).expect("it can be trusted");
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// All of a body, or why it broke off.
pub async fn body(mut stream: RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut bytes = Vec::new();
    while let Some(more) = stream.data().await {
        let more = more?;
        stream.flow_control().release_capacity(more.len())?;
        bytes.extend_from_slice(&more);
    }
    Ok(bytes)
}

/// The next bytes of a body, as many as these.
pub async fn read(stream: &mut RecvStream, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        let more = stream.data().await.expect("more").expect("bytes");
        stream.flow_control().release_capacity(more.len()).expect("released");
        bytes.extend_from_slice(&more);
    }
    bytes
}

/// A certificate and its key for `localhost`, as PEM, under these names.
pub fn certify(server_folder: &Path) -> [std::path::PathBuf; 2] {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
    let paths = ["cert.pem", "key.pem"].map(|name| server_folder.join(name));
    std::fs::write(&paths[1], made.signing_key.serialize_pem()).expect("written");
    std::fs::write(&paths[0], made.cert.pem()).expect("written");
    paths
}

/// A server that speaks TLS, with this certificate.
pub fn start_tls([cert, key]: &[std::path::PathBuf; 2], options: &[&str]) -> Server {
    let paths = [cert, key].map(|path| path.to_str().expect("a name"));
    let own = ["--tls-cert", paths[0], "--tls-key", paths[1]];
    Server::start(&[&own[..], options].concat())
}
