//! The least an HTTP tracker can be: it remembers who announced and tells them of each other.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A tracker that answers until it is dropped.
pub struct Tracker {
    pub announce: String,
    peers: Arc<Mutex<BTreeSet<SocketAddrV4>>>,
    serving: JoinHandle<()>,
}

impl Tracker {
    pub async fn start(address: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let announce = format!("http://{}/announce", listener.local_addr().unwrap());
        let peers = Arc::new(Mutex::new(BTreeSet::new()));
        let known = Arc::clone(&peers);
        let serving = tokio::spawn(async move {
            while let Ok((stream, from)) = listener.accept().await {
                let IpAddr::V4(from) = from.ip() else { continue };
                tokio::spawn(answer(stream, from, Arc::clone(&known)));
            }
        });
        Self { announce, peers, serving }
    }

    /// Who has announced so far, with the address the announce came from.
    pub fn peers(&self) -> BTreeSet<SocketAddr> {
        self.peers.lock().unwrap().iter().copied().map(SocketAddr::from).collect()
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(mut stream: TcpStream, from: Ipv4Addr, peers: Arc<Mutex<BTreeSet<SocketAddrV4>>>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") && request.len() < 8192 {
        match stream.read_u8().await {
            Ok(byte) => request.push(byte),
            Err(_) => return,
        }
    }
    let request = String::from_utf8_lossy(&request);
    let port = request.split(['?', '&', ' ']).find_map(|part| part.strip_prefix("port=")).and_then(|port| port.parse().ok());
    // A scrape names no port, and gets an empty answer.
    let body = match port {
        Some(port) if request.starts_with("GET /announce?") => {
            let caller = SocketAddrV4::new(from, port);
            let mut peers = peers.lock().unwrap();
            peers.insert(caller);
            let others: Vec<u8> = peers
                .iter()
                .filter(|peer| **peer != caller)
                .flat_map(|peer| [&peer.ip().octets()[..], &peer.port().to_be_bytes()].concat())
                .collect();
            let mut body = format!("d8:intervali10e5:peers{}:", others.len()).into_bytes();
            body.extend(others);
            body.push(b'e');
            body
        }
        _ => b"d5:filesdee".to_vec(),
    };
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
}
