//! What is kept of the routing tables from run to run: our ids, and the nodes that have answered.
//!
//! Lines of text. The first names the format; then `id4` and `id6`; then a line a node, in order of id and address:
//! `node <id> <address> <last answer>`. One snapshot has one text.

use core::fmt;
use core::net::SocketAddr;

use evidence::Utc;
use wire::infohash::InfoHashV1;
use wire::krpc::{Node, NodeId};

const FORMAT: &str = "affiant.dht/1";

/// Most nodes in a snapshot: 160 buckets of eight nodes, twice, is more than any table holds.
const NODES_MAX: usize = 2_560;

/// The routing tables at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Our id among IPv4 nodes.
    pub id4: NodeId,
    /// Our id among IPv6 nodes.
    pub id6: NodeId,
    /// The nodes, and when each last answered.
    pub nodes: Vec<(Node, Utc)>,
}

/// A text is not a snapshot in its one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotASnapshot {
    /// The line that is wrong, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: &'static str,
}

impl fmt::Display for NotASnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the routing table is not readable: {}", self.line, self.fault)
    }
}

impl core::error::Error for NotASnapshot {}

impl Snapshot {
    /// The one text.
    pub fn to_text(&self) -> String {
        let mut nodes = self.nodes.clone();
        nodes.sort_unstable();
        nodes.dedup_by_key(|(node, _)| *node);
        let lines = nodes.iter().map(|(node, utc)| format!("node {} {} {utc}\n", node.id, node.address));
        format!("{FORMAT}\nid4 {}\nid6 {}\n{}", self.id4, self.id6, lines.collect::<String>())
    }

    /// Reads the one text.
    pub fn parse(text: &str) -> Result<Self, NotASnapshot> {
        let fault = |line: usize, fault| NotASnapshot { line, fault };
        let body = text.strip_suffix('\n').ok_or(fault(1, "it does not end with a line feed"))?;
        let mut lines = body.split('\n').enumerate().map(|(at, line)| (at + 1, line));
        let mut next = |due: &'static str| lines.next().ok_or(fault(1, due));
        if next("it is empty")?.1 != FORMAT {
            return Err(fault(1, "it does not name the format affiant.dht/1"));
        }
        let mut own = |prefix: &str| {
            let (line, text) = next("our ids are missing")?;
            text.strip_prefix(prefix).and_then(id).ok_or(fault(line, "it is not our id of that family"))
        };
        let (id4, id6) = (own("id4 ")?, own("id6 ")?);
        let mut nodes: Vec<(Node, Utc)> = Vec::new();
        for (line, text) in lines {
            let node = node(text).ok_or(fault(line, "it is not a node, its address and the time of its last answer"))?;
            if nodes.last().is_some_and(|(last, _)| *last >= node.0) {
                return Err(fault(line, "nodes are not in order, or one occurs twice"));
            }
            if nodes.len() == NODES_MAX {
                return Err(fault(line, "there are more nodes than a table can hold"));
            }
            nodes.push(node);
        }
        Ok(Self { id4, id6, nodes })
    }
}

fn node(line: &str) -> Option<(Node, Utc)> {
    let mut words = line.strip_prefix("node ")?.split(' ');
    let (id, text, utc) = (id(words.next()?)?, words.next()?, words.next()?.parse().ok()?);
    let address: SocketAddr = text.parse().ok()?;
    (words.next().is_none() && address.to_string() == text).then_some((Node { id, address }, utc))
}

fn id(text: &str) -> Option<NodeId> {
    text.parse::<InfoHashV1>().ok().map(NodeId::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "affiant.dht/1\nid4 0101010101010101010101010101010101010101\n\
        id6 0202020202020202020202020202020202020202\n\
        node 0303030303030303030303030303030303030303 192.0.2.1:6881 2026-09-01T12:00:00.000Z\n\
        node 0404040404040404040404040404040404040404 [2001:db8::1]:6881 2026-09-01T12:00:01.000Z\n";

    #[test]
    fn a_snapshot_has_one_text() {
        let mut snapshot = Snapshot::parse(TEXT).unwrap();
        assert_eq!(snapshot.nodes.len(), 2);
        assert_eq!(snapshot.to_text(), TEXT);
        snapshot.nodes.reverse();
        snapshot.nodes.push(snapshot.nodes[0]);
        assert_eq!(snapshot.to_text(), TEXT);
    }

    #[test]
    fn refuses_bad_texts() {
        let swap = |from: &str, to: &str| TEXT.replace(from, to);
        let last = TEXT.lines().last().unwrap();
        let cases = [
            (String::new(), 1),
            (TEXT.trim_end().into(), 1),
            (swap("dht/1", "dht/2"), 1),
            (swap("id4", "id6"), 2),
            (swap("0101", "01"), 2),
            ("affiant.dht/1\n".into(), 1),
            (swap("id6 0202", "id6 0X02"), 3),
            (swap("192.0.2.1:6881", "192.0.2.1"), 4),
            (swap("192.0.2.1:6881", "192.0.2.01:6881"), 4),
            (swap("192.0.2.1:6881", "192.0.2.1:06881"), 4),
            (swap(":00.000Z", ":00Z"), 4),
            (swap(":00.000Z", ":00.000Z x"), 4),
            (swap("node 04", "node 02"), 5),
            (swap("[2001:db8::1]", "[2001:DB8::1]"), 5),
            (format!("{TEXT}{last}\n"), 6),
            (format!("{TEXT}\n"), 6),
        ];
        for (text, line) in cases {
            assert_eq!(Snapshot::parse(&text).unwrap_err().line, line, "{text}");
        }
    }
}
