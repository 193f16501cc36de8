//! A network of a test's own: the test runs again inside a namespace that has a loopback interface and no other.
//!
//! There every address of the nets meant for documentation is the machine's own, so that peers look as public ones do,
//! over IPv4 and IPv6, and nothing can leave the machine. The namespace, and whatever was started in it, ends with the
//! test. It takes `unshare` (util-linux) and `ip` (iproute2), and leave to make a user namespace, or root.

use std::net::IpAddr;
use std::process::{Command, Stdio};

/// Tells a test that it is inside.
const INSIDE: &str = "SWARMLAB_NAMESPACE";

/// What is arranged before the test runs. Transmission and aria2 want an address of each family and a way out, which leads
/// nowhere; who binds no address calls from these. A name is not found at once, not after a wait for a resolver that cannot be reached.
const ARRANGE: &str = "set -e
ip link set lo up
ip addr add 198.18.0.1/32 dev lo
for net in 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24; do ip route add local $net dev lo src 198.18.0.1; done
ip route add default dev lo
ip -6 addr add 2001:db8:ffff::1/128 dev lo nodad
ip -6 route add local 2001:db8::/32 dev lo
ip -6 route add default dev lo
echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind
mount --bind /dev/null /etc/resolv.conf
";

/// The namespaces: users, so that it needs no root; network; processes with their own `/proc`, so that all end together.
const UNSHARE: [&str; 8] = ["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "/bin/sh"];

/// Runs `body` inside a namespace, by running the test of this name, as its harness names it, once more in there.
/// Where no namespace can be made the test is skipped with a notice, except where `CI` is set: there it is a failure.
///
/// # Panics
///
/// When the test fails inside, or is not found there.
pub fn inside(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        assert!(is_closed(), "a namespace has no interface but loopback");
        return body();
    }
    if let Err(why) = try_out() {
        return skip(test, &format!("no network namespace can be made here: {why}"));
    }
    let this = std::env::current_exe().expect("a test knows its own program");
    let again = Command::new("unshare")
        .args(UNSHARE)
        .args(["-c", &format!("{ARRANGE}exec \"$@\""), "inside"])
        .arg(this)
        .args(["--exact", test, "--nocapture", "--include-ignored"])
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("what has just worked works again");
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success(), "{test} failed inside the namespace:\n{said}");
    assert!(said.contains("test result: ok. 1 passed"), "there is no test {test}:\n{said}");
}

/// Says that a test is skipped, and why. Where `CI` is set that is a failure.
pub(crate) fn skip(test: &str, why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{test}: {why}");
    eprintln!("!!! SKIPPED !!! {test}: {why}");
}

/// Whether a namespace can be made, and if not, what the system says.
fn try_out() -> Result<(), String> {
    let tried = Command::new("unshare").args(UNSHARE).args(["-c", ARRANGE]).stdin(Stdio::null()).output();
    let tried = tried.map_err(|error| format!("unshare: {error}"))?;
    if tried.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&tried.stderr).trim().to_owned()) }
}

/// Whether this thread has a network without any way out: loopback is its only interface, but inside a namespace of a
/// test's own for those that lead to other rooms of the same laboratory ([`crate::nat`]).
#[must_use]
pub fn is_closed() -> bool {
    let table = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    let mut names = table.lines().skip(2).filter_map(|line| Some(line.split_once(':')?.0.trim())).peekable();
    let may_have_rooms = std::env::var_os(INSIDE).is_some();
    names.peek().is_some() && names.all(|name| name == "lo" || may_have_rooms && name.starts_with("lab"))
}

/// Whether an address belongs to this machine alone: it is loopback or, where there is no way out, meant for documentation.
#[must_use]
pub fn is_inside(address: IpAddr) -> bool {
    address.is_loopback() || is_documentation(address) && is_closed()
}

fn is_documentation(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.is_documentation(),
        IpAddr::V6(six) => six.segments()[..2] == [0x2001, 0xdb8],
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    #[test]
    fn documentation_addresses_are_ours_inside_and_nowhere_else_is() {
        inside("namespace::tests::documentation_addresses_are_ours_inside_and_nowhere_else_is", || {
            for (here, there) in [("192.0.2.7:0", "203.0.113.9:0"), ("[2001:db8::7]:0", "[2001:db8:1::9]:0")] {
                let listener = TcpListener::bind(here).unwrap();
                TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                let sender = UdpSocket::bind(there).unwrap();
                assert!(is_inside(sender.local_addr().unwrap().ip()) && is_inside(listener.local_addr().unwrap().ip()));
            }
            assert!(!is_inside("198.18.0.1".parse().unwrap()));
            TcpStream::connect("[fd00::1]:80").unwrap_err();
        });
    }

    #[test]
    fn outside_only_loopback_is_ours() {
        assert!(is_inside("127.9.9.9".parse().unwrap()) && is_inside("::1".parse().unwrap()));
        assert_eq!(is_inside("192.0.2.1".parse().unwrap()), is_closed());
    }
}
