//! What arrives: answers to our queries, and other people's queries.

use core::net::SocketAddr;

use evidence::Now;
use wire::krpc::{self, Answer, Body, Message, Node, NodeId, Query};

use super::{Dht, HINTS_PER_ANSWER, SAMPLED_MAX, SAMPLED_MAX_S};
use crate::convert::evidence_hash;
use crate::dht::exchange::{Errand, Open};
use crate::dht::id::{Distance, IdCheck};
use crate::dht::limits::CLOSEST;
use crate::dht::lookup::Place;
use crate::dht::record::{Event, Hearsay, Sampled, SearchId};
use crate::dht::{Aim, Family, Output, server};

impl Dht {
    pub(super) fn on_received(&mut self, now: Now, from: SocketAddr, datagram: &[u8]) {
        let Ok(message) = Message::parse(datagram, &krpc::Limits::default()) else {
            self.ignored += 1;
            return;
        };
        match &message.body {
            Body::Query(query) => self.on_query(now, from, &message, Some(query)),
            Body::UnknownQuery { .. } => self.on_query(now, from, &message, None),
            Body::Answer(answer) => match self.exchanges.end(message.transaction, from) {
                Some(open) => self.on_answer(now, open, &message, answer, datagram),
                None => self.ignored += 1,
            },
            Body::Error { code, .. } => match self.exchanges.end(message.transaction, from) {
                Some(open) => self.on_error(now, open, *code),
                None => self.ignored += 1,
            },
        }
    }

    fn on_query(&mut self, now: Now, from: SocketAddr, message: &Message<'_>, query: Option<&Query<'_>>) {
        let own = self.own_id(Family::of(from)).filter(|_| !self.config.read_only);
        let (Some(own), Ok(()), 1..) = (own, self.scope.check_incoming(from), from.port()) else {
            // Nothing can be sent to port 0.
            self.ignored += 1;
            return;
        };
        if !self.throttle.admit(now.mono, from.ip(), &self.config.limits) {
            self.ignored += 1;
            return;
        }
        let closest = |is_v4: bool, target: &NodeId, count: usize| -> Vec<Node> {
            let table = self.table(if is_v4 { Family::V4 } else { Family::V6 });
            let entries = table.map(|table| table.closest(now.mono, target, count)).unwrap_or_default();
            entries.into_iter().map(|entry| entry.node).collect()
        };
        let datagram = match query {
            Some(query) => server::reply(message.transaction, query, from, own, closest),
            None => server::unknown(message.transaction),
        };
        self.outbox.push_back(Output::Send { to: from, datagram });
        // Whoever asks may be worth knowing, once he has answered us too.
        if let Some(query) = query.filter(|_| !message.read_only) {
            self.enqueue_ping(Node { id: query.id, address: from });
        }
    }

    fn on_error(&mut self, now: Now, open: Open, code: i64) {
        self.pace.release(now.mono, open.to, true);
        match open.errand {
            Errand::Search { search, place, .. } => self.with_lookup(search, |lookup| lookup.failed(place)),
            Errand::Announce { search, node } => self.event(Event::Announced { search, node, answer: Some(Err(code)) }),
            Errand::Ping { .. } => {}
        }
    }

    fn on_answer(&mut self, now: Now, open: Open, message: &Message<'_>, answer: &Answer<'_>, datagram: &[u8]) {
        self.pace.release(now.mono, open.to, true);
        let family = Family::of(open.to);
        if let Some(seen_at) = message.seen_at {
            let voter = self.config.caps.network(open.to.ip());
            self.votes[family as usize].count(seen_at.ip().to_canonical(), voter);
        }
        let node = Node { id: answer.id, address: open.to };
        let due = match open.errand {
            Errand::Search { search, place, .. } => self.searches.get(&search).and_then(|search| search.lookup.id_of(place)),
            Errand::Ping { node } | Errand::Announce { node, .. } => Some(node.id),
        };
        let is_entry = matches!(open.errand, Errand::Search { place: Place::Entry(_), .. });
        let is_whom_we_asked = is_entry || due == Some(answer.id);
        // Configured addresses are meeting points, which are not to be loaded with more than that.
        if is_whom_we_asked && !is_entry && !message.read_only {
            self.on_present(now, node);
        } else if !is_whom_we_asked
            && due.is_some()
            && let Some(table) = self.table_mut(family)
        {
            table.silent(now.mono, open.to);
        }
        match open.errand {
            Errand::Search { search, place, path } => {
                self.report(now, search, path, node, is_whom_we_asked, answer, datagram);
                self.on_nodes(search, place, path, is_whom_we_asked, answer);
            }
            Errand::Announce { search, node } => self.event(Event::Announced { search, node, answer: Some(Ok(())) }),
            Errand::Ping { .. } => {}
        }
    }

    fn on_present(&mut self, now: Now, node: Node) {
        let check = self.check(&node);
        let doubtful = self.table_mut(Family::of(node.address)).and_then(|table| table.answered(now.mono, now.utc, node, check));
        if let Some(doubtful) = doubtful {
            self.enqueue_ping(doubtful);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each is a part of what was said by whom to what question")]
    fn report(
        &mut self,
        now: Now,
        search: SearchId,
        path: u8,
        node: Node,
        is_whom_we_asked: bool,
        answer: &Answer<'_>,
        datagram: &[u8],
    ) {
        let Some(found) = self.searches.get(&search) else { return };
        let (check, at, sha256) = (self.check(&node), now.stamp(), evidence::sha256(datagram));
        if let (Some((info_hash, place)), Some(values)) = (found.torrent(), &answer.values)
            && !values.is_empty()
        {
            let hearsay = Hearsay {
                search,
                info_hash,
                at,
                node,
                check,
                is_whom_we_asked,
                shared_bits: Distance::between(&node.id, &place.into()).shared_bits(),
                path,
                datagram: datagram.to_vec(),
                sha256,
                peers: values.iter().copied().map(evidence::endpoint::canonical).collect(),
                dropped: answer.values_odd,
            };
            self.event(Event::Peers(Box::new(hearsay)));
        } else if let (Aim::Survey, Some(samples)) = (found.aim, &answer.samples) {
            let sampled = Sampled {
                search,
                at,
                node,
                check,
                sha256,
                info_hashes: samples.info_hashes.iter().copied().map(evidence_hash).collect(),
                count: samples.count,
                interval_s: samples.interval_s,
            };
            let pause_s = samples.interval_s.unwrap_or(0).min(SAMPLED_MAX_S);
            if self.sampled.len() >= SAMPLED_MAX {
                self.sampled.retain(|_, until| *until > now.mono);
            }
            if self.sampled.len() < SAMPLED_MAX {
                self.sampled.insert(node.address, now.mono.plus_ms(u64::from(pause_s) * 1000));
            }
            self.event(Event::Sampled(Box::new(sampled)));
        }
    }

    fn on_nodes(&mut self, search: SearchId, place: Place, path: u8, is_whom_we_asked: bool, answer: &Answer<'_>) {
        let Some(found) = self.searches.get(&search) else { return };
        let family = found.family;
        let own = self.own_id(family);
        let (named, hints) = match family {
            Family::V4 => (&answer.nodes, &answer.nodes6),
            Family::V6 => (&answer.nodes6, &answer.nodes),
        };
        let mut nodes: Vec<(Node, IdCheck)> = Vec::new();
        let mut excluded = 0;
        for node in named.iter().filter(|node| own != Some(node.id)) {
            let node = Node { address: evidence::endpoint::canonical(node.address), ..*node };
            match self.scope.check(node.address) {
                Ok(()) if Family::of(node.address) == family => nodes.push((node, self.check(&node))),
                _ => excluded += 1,
            }
        }
        let token = answer.token.map(<[u8]>::to_vec);
        self.with_lookup(search, |lookup| match is_whom_we_asked {
            true => lookup.answered(place, path, token, &nodes, excluded),
            false => lookup.failed(place),
        });
        self.take_hints(family.other(), hints);
    }

    /// Nodes of the other family help its table while that is nearly empty.
    fn take_hints(&mut self, family: Family, hints: &[Node]) {
        if self.table(family).is_some_and(|table| table.entries().count() < CLOSEST) {
            for node in hints.iter().filter(|node| Family::of(node.address) == family).take(HINTS_PER_ANSWER) {
                self.enqueue_ping(*node);
            }
        }
    }
}
