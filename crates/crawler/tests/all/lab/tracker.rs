//! Small trackers that say what they are told to, and note what they are asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

pub type Asked = Arc<Mutex<Vec<String>>>;

pub fn compact(peers: &[SocketAddr]) -> Vec<u8> {
    let packed = peers.iter().filter_map(|peer| match peer {
        SocketAddr::V4(four) => Some([&four.ip().octets()[..], &four.port().to_be_bytes()].concat()),
        SocketAddr::V6(_) => None,
    });
    packed.flatten().collect()
}

/// The answer to an announce over IPv6. BEP 7.
pub fn announce6(peers: &[SocketAddr]) -> Vec<u8> {
    let packed = peers.iter().filter_map(|peer| match peer {
        SocketAddr::V4(_) => None,
        SocketAddr::V6(six) => Some([&six.ip().octets()[..], &six.port().to_be_bytes()].concat()),
    });
    let peers: Vec<u8> = packed.flatten().collect();
    [format!("d8:intervali900e6:peers6{}:", peers.len()).as_bytes(), &peers, b"e"].concat()
}

/// The answer to an announce.
pub fn announce(peers: &[SocketAddr]) -> Vec<u8> {
    let peers = compact(peers);
    [format!("d8:intervali900e5:peers{}:", peers.len()).as_bytes(), &peers, b"e"].concat()
}

/// An HTTP tracker that answers every announce with `body`. It notes the request lines.
pub async fn http(at: SocketAddr, status: &'static str, body: Vec<u8>) -> Asked {
    let listener = TcpListener::bind(at).await.unwrap();
    let asked = Asked::default();
    let notes = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (notes, body) = (Arc::clone(&notes), body.clone());
            tokio::spawn(async move {
                let mut request = Vec::new();
                let mut buffer = [0; 4_096];
                while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                    let Ok(length @ 1..) = stream.read(&mut buffer).await else { return };
                    request.extend_from_slice(&buffer[..length]);
                }
                let text = String::from_utf8_lossy(&request).into_owned();
                let is_scrape = text.starts_with("GET /scrape");
                notes.lock().unwrap().push(text);
                let body = if is_scrape { b"d5:filesdee".to_vec() } else { body };
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nLocation: http://127.0.0.1:1/\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
            });
        }
    });
    asked
}

/// A UDP tracker that loses the first packet.
pub async fn udp(at: SocketAddr, peers: Vec<SocketAddr>) -> Asked {
    let socket = UdpSocket::bind(at).await.unwrap();
    let asked = Asked::default();
    let notes = Arc::clone(&asked);
    tokio::spawn(async move {
        let (mut packet, mut lost) = (vec![0; 2_048], false);
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            if !std::mem::replace(&mut lost, true) {
                continue;
            }
            let packet = &packet[..length];
            let transaction = packet[12..16].to_vec();
            let answer = match packet[11] {
                0 => [&[0, 0, 0, 0][..], &transaction, &[7; 8]].concat(),
                1 => {
                    let field = |at: usize| u64::from_be_bytes(packet[at..at + 8].try_into().unwrap());
                    let event = packet[83];
                    notes.lock().unwrap().push(format!("event={event} left={} uploaded={}", field(64), field(72)));
                    let numbers = [900u32, 1, 2].map(u32::to_be_bytes).concat();
                    [&[0, 0, 0, 1][..], &transaction, &numbers, &compact(&peers)].concat()
                }
                _ => {
                    notes.lock().unwrap().push("scrape".into());
                    [&[0, 0, 0, 2][..], &transaction, &[5u32, 6, 7].map(u32::to_be_bytes).concat()].concat()
                }
            };
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    asked
}
