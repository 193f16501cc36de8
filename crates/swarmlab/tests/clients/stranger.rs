//! A stranger who only downloads: shakes hands, says it has nothing, asks for one block.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpSocket;

pub const BLOCK_BYTES: usize = 16 * 1024;

/// Transmission decides every 10 s whom to unchoke.
const PATIENCE: Duration = Duration::from_secs(30);

/// Gets the first block of a piece that the client chooses, if it speaks the Fast Extension, or else of piece 3.
pub async fn first_block(from: Ipv4Addr, client: SocketAddr, info_hash: [u8; 20]) -> io::Result<(u32, Vec<u8>)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let stream = socket.connect(client).await?.into_std()?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    tokio::task::spawn_blocking(move || converse(stream, info_hash)).await.map_err(io::Error::other)?
}

fn converse(mut stream: std::net::TcpStream, info_hash: [u8; 20]) -> io::Result<(u32, Vec<u8>)> {
    let mut hello = b"\x13BitTorrent protocol\0\0\0\0\0\0\0\x04".to_vec();
    hello.extend(info_hash);
    hello.extend(b"-SWLAB0-one stranger");
    stream.write_all(&hello)?;
    let mut answer = [0; 68];
    stream.read_exact(&mut answer)?;
    assert_eq!(answer[28..48], info_hash, "the handshake names another torrent");
    if answer[27] & 0x04 != 0 {
        // Have None. rtorrent, which does not know it, would hang up.
        stream.write_all(&[0, 0, 0, 1, 15])?;
    }
    stream.write_all(&[0, 0, 0, 1, 2])?;
    let mut asked = false;
    loop {
        let message = read_message(&mut stream)?;
        let wanted = match message[..] {
            // Allowed Fast, and Unchoke.
            [17, a, b, c, d] => Some(u32::from_be_bytes([a, b, c, d])),
            [1] => Some(3),
            _ => None,
        };
        if let (Some(piece), false) = (wanted, asked) {
            asked = true;
            let mut request = vec![0, 0, 0, 13, 6];
            request.extend(piece.to_be_bytes());
            request.extend([0; 4]);
            request.extend(u32::try_from(BLOCK_BYTES).unwrap().to_be_bytes());
            stream.write_all(&request)?;
        }
        if let [7, a, b, c, d, 0, 0, 0, 0, ref block @ ..] = message[..] {
            return Ok((u32::from_be_bytes([a, b, c, d]), block.to_vec()));
        }
    }
}

fn read_message(stream: &mut std::net::TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut message)?;
    Ok(message)
}
