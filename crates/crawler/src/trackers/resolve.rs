//! From a tracker's URL to the addresses it may be contacted at.

use std::net::{IpAddr, SocketAddr};

use evidence::Exclusion;
use swarm::vantage::Vantage;
use wire::tracker_url::TrackerUrl;

use super::{Reach, Told};

/// Addresses of one family, all allowed, and our own end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) from: IpAddr,
    /// Where we listen at it, or 0.
    pub(super) port: u16,
    pub(super) to: Vec<SocketAddr>,
}

/// Looks a tracker up. One address that policy forbids spoils the whole name: a name that points into reserved space
/// is not one to trust with the others.
pub(super) async fn ways(url: &TrackerUrl, reach: &Reach) -> Result<Vec<Way>, Told> {
    let found = look_up(url, reach).await?;
    if let Some(rule) = found.iter().find_map(|address| reach.scope.check_service(*address).err()) {
        return Err(Told::Excluded { why: excluded(rule).into() });
    }
    let mut ways = Vec::new();
    for is_v4 in [true, false] {
        let to: Vec<SocketAddr> = found.iter().copied().filter(|address| address.is_ipv4() == is_v4).collect();
        let ours = to.first().map_or(vec![], |tracker| reach.bind.announcers(tracker.ip()));
        ways.extend(ours.into_iter().map(|Vantage { address, port }| Way {
            from: address,
            port: port.unwrap_or(0),
            to: to.clone(),
        }));
    }
    if ways.is_empty() {
        return Err(Told::NoAnswer { why: "it has no address of a family that the monitor uses".into() });
    }
    Ok(ways)
}

async fn look_up(url: &TrackerUrl, reach: &Reach) -> Result<Vec<SocketAddr>, Told> {
    // The host is read as the HTTP client will read it: `0x7f.1` and `127.1` are addresses to it, not names.
    let host = url::Url::parse(&url.as_str().replacen("udp://", "http://", 1))
        .ok()
        .and_then(|url| url.host().map(|host| host.to_owned()));
    let name = match host {
        Some(url::Host::Ipv4(address)) => return Ok(vec![SocketAddr::new(address.into(), url.port())]),
        Some(url::Host::Ipv6(address)) => {
            return Ok(vec![evidence::endpoint::canonical(SocketAddr::new(address.into(), url.port()))]);
        }
        Some(url::Host::Domain(name)) => name,
        None => return Err(Told::Malformed { rule: "tracker-url-host".into() }),
    };
    let found = tokio::time::timeout(reach.patience, tokio::net::lookup_host((name.as_str(), url.port()))).await;
    let failed = |why: &str| Err(Told::NoAnswer { why: why.into() });
    match found {
        Err(_) => failed("its name was not resolved in time"),
        Ok(Err(_)) => failed("its name cannot be resolved"),
        Ok(Ok(found)) => {
            let mut addresses: Vec<SocketAddr> = Vec::new();
            for address in found.take(ADDRESSES_MAX).map(evidence::endpoint::canonical) {
                if !addresses.contains(&address) {
                    addresses.push(address);
                }
            }
            if addresses.is_empty() { failed("its name has no address") } else { Ok(addresses) }
        }
    }
}

/// Names of large services have a dozen addresses.
const ADDRESSES_MAX: usize = 64;

fn excluded(rule: Exclusion) -> &'static str {
    match rule {
        Exclusion::Reserved => "it resolves to reserved address space",
        Exclusion::Own => "it resolves to an address of the monitor's own",
        Exclusion::OutsideLaboratory => "it resolves to an address outside the laboratory",
        Exclusion::OwnersSeed => "it resolves to an address of the owner's own",
        Exclusion::Port | Exclusion::ListTooLong => "policy forbids its address",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use swarm::{Scope, Seed, Vantages};

    use super::*;

    async fn check(url: &str, scope: Scope) -> Result<Vec<Way>, Told> {
        let reach = Reach {
            bind: Vantages::any(),
            scope,
            client: "affiant".into(),
            patience: Duration::from_secs(2),
            seed: Seed::new([1; 32]),
        };
        ways(&TrackerUrl::parse(url).unwrap(), &reach).await
    }

    #[tokio::test]
    async fn reserved_addresses_are_refused_however_they_are_written() {
        for url in [
            "http://127.0.0.1/announce",
            "http://127.1/announce",
            "http://0x7f000001/announce",
            "http://2130706433/announce",
            "http://10.0.0.1:6969/announce",
            "http://[::1]/announce",
            "http://[::ffff:127.0.0.1]/announce",
            "http://localhost/announce",
            "udp://192.168.0.1:6969/announce",
            "udp://localhost:6969/announce",
        ] {
            let refused = check(url, Scope::public(vec![], vec![])).await;
            assert_eq!(refused, Err(Told::Excluded { why: "it resolves to reserved address space".into() }), "{url}");
        }
    }

    #[tokio::test]
    async fn a_laboratory_asks_only_its_own() {
        let scope = || Scope::laboratory(vec!["127.0.0.0/8".parse().unwrap()], vec![], vec![]).unwrap();
        let asked = check("http://127.0.0.3:6969/announce", scope()).await.unwrap();
        assert_eq!(asked, [Way { from: "0.0.0.0".parse().unwrap(), port: 0, to: vec!["127.0.0.3:6969".parse().unwrap()] }]);
        assert!(matches!(check("udp://192.0.2.1:6969", scope()).await, Err(Told::Excluded { .. })));
        assert!(matches!(check("http://no-such-host.invalid/", scope()).await, Err(Told::NoAnswer { .. })));
    }
}
