//! The peers that are contacted to fetch a copy: in scope, and few of any one address.

use std::net::SocketAddr;

use swarm::Scope;
use swarm::metadata::Few;

/// Those of `named` that may be contacted, each once, in the order named.
pub(crate) fn bounded(named: impl IntoIterator<Item = SocketAddr>, scope: &Scope) -> Vec<SocketAddr> {
    let mut few = Few::new(scope.clone());
    named.into_iter().map(evidence::endpoint::canonical).filter(|peer| few.admits(*peer)).collect()
}
