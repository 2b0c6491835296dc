//! One exchange: connect, send, read until the other side closes. Plain over a unix socket; TLS over TCP.
use crate::failure;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

/// A socket whose every read and write ends at one instant.
struct Timed {
    socket: Socket,
    end: Instant,
}

impl Timed {
    fn left(&self) -> Result<Option<Duration>> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(Error::from(ErrorKind::TimedOut))
        } else {
            Ok(Some(left))
        }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let left = self.left()?;
        match &mut self.socket {
            Socket::Unix(stream) => stream.set_read_timeout(left).and_then(|()| stream.read(buffer)),
            Socket::Tcp(stream) => stream.set_read_timeout(left).and_then(|()| stream.read(buffer)),
        }
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let left = self.left()?;
        match &mut self.socket {
            Socket::Unix(stream) => stream.set_write_timeout(left).and_then(|()| stream.write(bytes)),
            Socket::Tcp(stream) => stream.set_write_timeout(left).and_then(|()| stream.write(bytes)),
        }
    }
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A full backlog makes connect() wait without end; a send timeout set before it ends that too.
fn connect_unix(path: &str, limit: Duration) -> Result<UnixStream> {
    // SAFETY: zero is a valid sockaddr_un.
    let mut name: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    if path.len() >= name.sun_path.len() {
        return Err(Error::from_raw_os_error(libc::ENAMETOOLONG));
    }
    name.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (slot, byte) in name.sun_path.iter_mut().zip(path.bytes()) {
        *slot = byte as libc::c_char;
    }
    // SAFETY: plain socket calls; the descriptor is owned by the stream from here on.
    unsafe {
        let descriptor = libc::socket(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        if descriptor < 0 {
            return Err(Error::last_os_error());
        }
        let stream = UnixStream::from_raw_fd(descriptor);
        stream.set_write_timeout(Some(limit))?;
        let size = std::mem::size_of_val(&name) as libc::socklen_t;
        match libc::connect(stream.as_raw_fd(), std::ptr::addr_of!(name).cast(), size) {
            0 => Ok(stream),
            _ => Err(Error::last_os_error()),
        }
    }
}

fn connect(address: &str, limit: Duration) -> Result<Socket> {
    if let Some(path) = address.strip_prefix("unix:") {
        return connect_unix(path, limit).map(Socket::Unix);
    }
    let target: SocketAddr = address.parse().map_err(|_| Error::other("not an address and port"))?;
    let stream = TcpStream::connect_timeout(&target, limit)?;
    stream.set_nodelay(true)?;
    Ok(Socket::Tcp(stream))
}

/// `pem`: the CA's certificates, and the node's own with its key or "".
fn secure(stream: Timed, pem: &[String], server_name: String) -> Result<StreamOwned<ClientConnection, Timed>> {
    let [ca, client] = pem else { return Err(Error::other("a CA and a certificate or none")) };
    let certificates = |text: &str| -> Vec<CertificateDer<'static>> { rustls_pemfile::certs(&mut text.as_bytes()).flatten().collect() };
    let mut roots = RootCertStore::empty();
    if roots.add_parsable_certificates(certificates(ca)).0 == 0 {
        return Err(Error::other("the CA file holds no certificate"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::other)?
        .with_root_certificates(roots);
    let config = if client.is_empty() {
        config.with_no_client_auth()
    } else {
        let key = rustls_pemfile::private_key(&mut client.as_bytes())?.ok_or_else(|| Error::other("tls.key holds no private key"))?;
        let unusable = |error| Error::other(format!("tls.crt and tls.key cannot be used: {error}"));
        config.with_client_auth_cert(certificates(client), key).map_err(unusable)?
    };
    let name = ServerName::try_from(server_name).map_err(Error::other)?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

fn read_to_close(stream: &mut impl Read, limit: usize) -> Vec<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0u8; 8192];
    let why = loop {
        match stream.read(&mut chunk) {
            Ok(0) => break String::new(),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => break failure::name(&error),
        }
        if bytes.len() > limit {
            bytes.clear();
            break format!("the answer is larger than {limit} bytes");
        }
    };
    vec!["answered".to_string(), String::from_utf8_lossy(&bytes).into_owned(), why]
}

fn talk(stream: &mut (impl Read + Write), request: &str, limit: usize) -> Vec<String> {
    let sent = stream.write_all(request.as_bytes()).and_then(|()| stream.flush());
    let mut answer = read_to_close(stream, limit);
    // A server may refuse and close before it has read everything: its answer counts, if there is one.
    if let (Err(error), true) = (sent, answer[1].is_empty()) {
        answer[2] = failure::name(&error);
    }
    answer
}

/// ["unreached", "", why]: nothing was sent. ["answered", text, why it may be cut short, or ""].
pub fn exchange(
    address: String,
    pem: Vec<String>,
    server_name: String,
    request: String,
    connect_ms: f64,
    total_ms: f64,
    limit: f64,
) -> Vec<String> {
    let unreached = |error: Error| vec!["unreached".to_string(), String::new(), failure::name(&error)];
    let end = Instant::now() + Duration::from_millis(total_ms as u64);
    let until_connected = Duration::from_millis(connect_ms.min(total_ms).max(1.0) as u64);
    let connected = Instant::now() + until_connected;
    let mut stream = match connect(&address, until_connected) {
        Ok(socket) => Timed { socket, end },
        Err(error) => return unreached(error),
    };
    if matches!(stream.socket, Socket::Unix(_)) {
        return talk(&mut stream, &request, limit as usize);
    }
    stream.end = connected.min(end);
    match secure(stream, &pem, server_name) {
        Ok(mut secured) => {
            secured.sock.end = end;
            talk(&mut secured, &request, limit as usize)
        }
        Err(error) => unreached(error),
    }
}
