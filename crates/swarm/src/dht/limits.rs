//! The numbers of the policy.

use core::net::IpAddr;

use crate::pace::Budgets;
use crate::prefix::Prefix;

/// How many nodes are the closest ones: what BEP 5 calls K, and where programs leave their announces.
pub const CLOSEST: usize = 8;

/// How a look-up is made, and its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Paths that share no node that is asked, 1 to 8. If half of all nodes lie, one path in two makes an honest first
    /// step, of four paths at least one in 94 of 100 look-ups. Simulated with 256 nodes, one, two, four and eight paths
    /// cost 10, 10, 12 and 16 queries in an honest network; in 12 networks that were half liars, the worst recall was
    /// 97.9, 99.0, 100 and 100 %. So four are the fewest that lost nobody.
    pub paths: u8,
    /// Queries of one look-up, repeats included. An honest network of 256 nodes needs 12 to 16; one that is half lies 50.
    pub queries_max: u32,
    /// Queries that one look-up repeats after silence.
    pub repeats_max: u32,
    /// Length of one look-up in milliseconds.
    pub look_up_ms: u64,
    /// Wait for an answer in milliseconds.
    pub answer_ms: u64,
    /// After this wait in milliseconds the look-up goes on with somebody else meanwhile.
    pub slow_ms: u64,
    /// Nodes taken from one answer, so that nobody can fill a look-up with inventions.
    pub nodes_per_answer: usize,
    /// Nodes that one look-up remembers.
    pub candidates_max: usize,
    /// Silent or false nodes that somebody may name beyond those that did answer, before the rest of the nodes that
    /// only he named are left aside.
    pub credit: u32,
    /// Look-ups at a time.
    pub look_ups_max: usize,
    /// A node is good for so long after an answer, in milliseconds, and a bucket fresh. BEP 5.
    pub fresh_ms: u64,
    /// How long a look-up waits for a node that was silent lately, in milliseconds, before it goes on without. As long
    /// as the pause after one silence: whoever was silent twice is not waited for.
    pub patience_ms: u64,
    /// Queries answered a second, in all, where we answer any.
    pub answers_per_second: u32,
    /// Queries answered a second to one address, so that we cannot be used to flood it.
    pub answers_per_address_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            paths: 4,
            queries_max: 128,
            repeats_max: 8,
            look_up_ms: 60_000,
            answer_ms: 3_000,
            slow_ms: 1_000,
            nodes_per_answer: 20,
            candidates_max: 600,
            credit: 2,
            look_ups_max: 1_000,
            fresh_ms: 900_000,
            patience_ms: 2_000,
            answers_per_second: 50,
            answers_per_address_second: 4,
        }
    }
}

/// How many nodes of one network are believed in, so that whoever owns a network owns no part of the DHT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// What a network is in IPv4: the length of its prefix.
    pub v4_bits: u8,
    /// What a network is in IPv6: the length of its prefix.
    pub v6_bits: u8,
    /// Nodes of one network among the closest ones of a look-up. That two of eight honest ones share a network happens
    /// once in many thousand look-ups.
    pub per_look_up: usize,
    /// Nodes of one network in one bucket of the routing table.
    pub per_bucket: usize,
    /// Nodes of one network in the routing table.
    pub per_table: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { v4_bits: 24, v6_bits: 48, per_look_up: 1, per_bucket: 2, per_table: 8 }
    }
}

impl Caps {
    /// For a laboratory whose nodes all live in one network: each address counts as a network.
    pub const LABORATORY: Self = Self { v4_bits: 32, v6_bits: 128, per_look_up: 1, per_bucket: 2, per_table: 8 };

    pub(super) fn network(&self, address: IpAddr) -> Prefix {
        Prefix::of(address, if address.is_ipv4() { self.v4_bits } else { self.v6_bits })
    }
}

/// How often nodes are asked. One query is one contact that ends with the answer or the lack of one.
pub const BUDGETS: Budgets = Budgets {
    total: 256,
    per_address: 4,
    per_network: 16,
    per_second: 100,
    per_address_hour: 600,
    back_off_first_ms: 2_000,
    back_off_max_ms: 3_600_000,
    remembered_max: 100_000,
};
