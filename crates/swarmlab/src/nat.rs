//! Homes behind routers that translate addresses: several clients behind one public address, none of which can be dialled
//! unless its router forwards a port.
//!
//! All of it is made of network namespaces inside the one that [`inside`] runs a test in. The test's own namespace is the
//! public network, with every address of 192.0.2.0/24 and 198.51.100.0/24. Each [`Home`] has a public address out of
//! 203.0.113.0/24, a router that runs nftables and lets in nothing that nobody inside has asked for, and a local network
//! 198.51.100.0/24 of its own behind it. What is to happen in a home runs on a thread there, with the sockets that it opens
//! and the programs that it starts.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::namespace;

/// The programs it takes besides `unshare`.
const PROGRAMS: [&str; 3] = ["ip", "nft", "nsenter"];

/// Runs `body` inside a namespace of its own, as [`namespace::inside`] does, and is skipped as that is where something for
/// it is missing.
///
/// # Panics
///
/// When the test fails inside, or is not found there.
pub fn inside(test: &str, body: impl FnOnce()) {
    let missing: Vec<&str> = PROGRAMS.into_iter().filter(|program| !is_installed(program)).collect();
    if missing.is_empty() { namespace::inside(test, body) } else { namespace::skip(test, &format!("not installed: {missing:?}")) }
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").stdin(Stdio::null()).output().is_ok()
        || Command::new(program).arg("-V").stdin(Stdio::null()).output().is_ok()
}

/// How a router translates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nat {
    /// A client's port stays its own wherever it is free, whoever is on the other side: hole punching works.
    KeepsPorts,
    /// Each connection has a port of chance: hole punching does not work.
    RandomPorts,
}

/// The public network.
#[derive(Debug)]
pub struct Internet {
    homes: u8,
}

/// A local network behind a router. It ends when this is dropped.
#[derive(Debug)]
pub struct Home {
    public: Ipv4Addr,
    router: Room,
    lan: Arc<Room>,
}

/// A network namespace, for as long as a process waits in it.
#[derive(Debug)]
struct Room {
    holder: Child,
    namespace: File,
}

impl Internet {
    /// Takes the routers' addresses out of this machine's own.
    ///
    /// # Panics
    ///
    /// Outside of [`inside`].
    #[must_use]
    pub fn new() -> Self {
        assert!(namespace::is_closed(), "the public network of a laboratory has no way out");
        script(&mut Command::new("/bin/sh"), "ip route del local 203.0.113.0/24 dev lo");
        Self { homes: 0 }
    }

    /// Builds a home.
    ///
    /// # Panics
    ///
    /// When the system refuses a part of it.
    pub fn home(&mut self, nat: Nat) -> Home {
        self.homes += 1;
        let number = self.homes;
        let public = Ipv4Addr::new(203, 0, 113, number);
        let (router, lan) = (Room::new(), Room::new());
        script(
            &mut Command::new("/bin/sh"),
            &format!(
                "ip link add lab{number} type veth peer name lab-wan netns {}
                ip link set lab{number} up
                ip route add {public}/32 dev lab{number}",
                router.holder.id()
            ),
        );
        let random = if nat == Nat::RandomPorts { " random" } else { "" };
        router.script(&format!(
            "ip addr add {public}/32 dev lab-wan
            ip link set lab-wan up
            ip route add default dev lab-wan
            echo 1 > /proc/sys/net/ipv4/ip_forward
            ip link add lab-lan type veth peer name lab-home netns {}
            ip addr add 198.51.100.1/24 dev lab-lan
            ip link set lab-lan up
            nft -f - <<END\n{}\nEND",
            lan.holder.id(),
            RULES.replace("$random", random)
        ));
        lan.script(
            "for host in $(seq 2 20); do ip addr add 198.51.100.$host/24 dev lab-home; done
            ip link set lab-home up
            ip route add default via 198.51.100.1",
        );
        Home { public, router, lan: Arc::new(lan) }
    }
}

impl Default for Internet {
    fn default() -> Self {
        Self::new()
    }
}

/// What a router does. What comes in unasked is dropped before anything remembers it: otherwise it would take the place of
/// the port that a client behind the router is about to use.
const RULES: &str = "table ip nat {
    chain prerouting { type nat hook prerouting priority -100;
    }
    chain postrouting { type nat hook postrouting priority 100;
        oifname lab-wan masquerade$random
    }
}
table ip guard {
    chain input { type filter hook input priority 0;
        iifname lab-wan ct state new drop
    }
    chain forward { type filter hook forward priority 0;
        iifname lab-wan ct state new ct status & dnat == 0 drop
    }
}";

impl Home {
    /// The address that the home is seen at.
    #[must_use]
    pub fn public(&self) -> Ipv4Addr {
        self.public
    }

    /// The address of a machine in the home, of which there are 2 to 20.
    #[must_use]
    pub fn address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(198, 51, 100, host)
    }

    /// Has the router forward a port to the machine, for TCP and UDP.
    pub fn forward(&self, port: u16, host: u8) {
        let to = self.address(host);
        for protocol in ["tcp", "udp"] {
            self.router.script(&format!("nft add rule ip nat prerouting iifname lab-wan {protocol} dport {port} dnat to {to}"));
        }
    }

    /// Runs `body` in the home, on a thread of its own.
    pub fn run<T: Send + 'static>(&self, body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let lan = Arc::clone(&self.lan);
        thread::spawn(move || {
            lan.enter();
            body()
        })
    }
}

impl Room {
    fn new() -> Self {
        // Only what runs in the new namespace can say that it is there.
        let mut holder = Command::new("unshare")
            .args(["--net", "/bin/sh", "-ec", "ip link set lo up; echo; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare has just been used");
        let mut ready = [0; 1];
        let said = holder.stdout.as_mut().map(|said| std::io::Read::read_exact(said, &mut ready));
        assert!(matches!(said, Some(Ok(()))), "a namespace inside a namespace can be made");
        let namespace = File::open(format!("/proc/{}/ns/net", holder.id())).expect("a living process has a namespace");
        Self { holder, namespace }
    }

    fn script(&self, text: &str) {
        script(Command::new("nsenter").args(["--net", "--target", &self.holder.id().to_string(), "/bin/sh"]), text);
    }

    /// Moves this thread into the namespace.
    fn enter(&self) {
        move_into_link_name_space(self.namespace.as_fd(), Some(LinkNameSpaceType::Network))
            .expect("whoever made a namespace may enter it");
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn script(shell: &mut Command, text: &str) {
    let done = shell.args(["-ec", text]).stdin(Stdio::null()).output().expect("a shell is there");
    assert!(done.status.success(), "{text}\n{}", String::from_utf8_lossy(&done.stderr));
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
    use std::time::Duration;

    use super::*;

    fn at(address: Ipv4Addr, port: u16) -> SocketAddr {
        (address, port).into()
    }

    #[test]
    fn a_home_is_one_address_that_lets_in_what_it_forwards_and_what_it_asked_for() {
        inside("nat::tests::a_home_is_one_address_that_lets_in_what_it_forwards_and_what_it_asked_for", || {
            let mut internet = Internet::new();
            let (home, other) = (internet.home(Nat::KeepsPorts), internet.home(Nat::RandomPorts));
            let outside = UdpSocket::bind("192.0.2.9:7000").unwrap();
            let mut seen = Vec::new();
            for (home, host) in [(&home, 2), (&home, 3), (&other, 2)] {
                let from = at(home.address(host), 6_880 + u16::from(host));
                let said = home.run(move || {
                    assert!(namespace::is_inside(from.ip()));
                    let socket = UdpSocket::bind(from).unwrap();
                    socket.send_to(b"hello", "192.0.2.9:7000").unwrap();
                    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                    socket.recv_from(&mut [0; 9]).unwrap().1
                });
                let (_, from) = outside.recv_from(&mut [0; 9]).unwrap();
                outside.send_to(b"welcome", from).unwrap();
                assert_eq!(said.join().unwrap(), "192.0.2.9:7000".parse().unwrap());
                seen.push(from);
            }
            assert_eq!(seen[..2], [at(home.public(), 6_882), at(home.public(), 6_883)]);
            assert!(seen[2].ip() == other.public() && seen[2].port() != 6_882, "{seen:?}");

            // Nobody else gets in through a port that is in use, and a caller is let in where a port is forwarded.
            let inner = home.address(4);
            let listener = home.run(move || TcpListener::bind((inner, 6_884)).unwrap()).join().unwrap();
            let dial = |port| TcpStream::connect_timeout(&at(home.public(), port), Duration::from_millis(400));
            assert_eq!(dial(6_884).unwrap_err().kind(), ErrorKind::TimedOut);
            home.forward(6_884, 4);
            let stream = dial(6_884).unwrap();
            assert_eq!(listener.accept().unwrap().1, stream.local_addr().unwrap());
        });
    }
}
