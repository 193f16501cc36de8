//! The search tree of a MaxMind DB, looked at before it is walked.
//!
//! Nothing in the format forbids two records to lead to one node, and a hundred nodes, each of which leads twice to the
//! next, have more paths than anybody can walk. The reader walks them all.

/// Visits to each node that are put up with. A whole tree has one; makers have the networks that hold IPv4 addresses in
/// other forms (`::ffff:0:0/96`, `2002::/16` and others) lead to the nodes of IPv4 again.
const VISITS_MAX: u64 = 8;

/// Levels of a tree: the bits of an address.
const DEPTH_MAX: u8 = 128;

/// Whether a walk over the whole tree ends soon. Bytes that are not there end it as well.
pub(super) fn is_walked_soon(bytes: &[u8], node_count: u32, record_bits: u16) -> bool {
    let mut left = u64::from(node_count) * VISITS_MAX;
    let mut open = vec![(0, 0)];
    while let Some((node, depth)) = open.pop() {
        if node >= node_count || depth == DEPTH_MAX {
            continue;
        }
        match left.checked_sub(1) {
            Some(fewer) => left = fewer,
            None => return false,
        }
        open.extend(children(bytes, node, record_bits).into_iter().flatten().map(|child| (child, depth + 1)));
    }
    true
}

/// Where the two records of a node lead.
fn children(bytes: &[u8], node: u32, record_bits: u16) -> Option<[u32; 2]> {
    let node_bytes = usize::from(record_bits) / 4;
    let start = usize::try_from(node).ok()?.checked_mul(node_bytes)?;
    match *bytes.get(start..start.checked_add(node_bytes)?)? {
        [a, b, c, d, e, f] => Some([u32::from_be_bytes([0, a, b, c]), u32::from_be_bytes([0, d, e, f])]),
        // The byte in the middle holds the four highest bits of either.
        [a, b, c, both, d, e, f] => Some([u32::from_be_bytes([both >> 4, a, b, c]), u32::from_be_bytes([both & 0xf, d, e, f])]),
        [a, b, c, d, e, f, g, h] => Some([u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node of records of so many bits.
    fn node([left, right]: [u32; 2], record_bits: u16) -> Vec<u8> {
        let [[l0, l @ ..], [r0, r @ ..]] = [left.to_be_bytes(), right.to_be_bytes()];
        match record_bits {
            24 => [l, r].concat(),
            28 => [&l[..], &[l0 << 4 | r0], &r].concat(),
            _ => [&[l0][..], &l, &[r0], &r].concat(),
        }
    }

    #[test]
    fn records_of_every_size_are_read() {
        for (bits, most) in [(24, 0xff_ffff), (28, 0xfff_ffff), (32, u32::MAX)] {
            for records in [[1, 2], [most, 0], [0, most], [0x0a_bcde, 0x01_2345]] {
                let bytes = [node([7, 7], bits), node(records, bits)].concat();
                assert_eq!(children(&bytes, 1, bits), Some(records), "{bits} bits");
                assert_eq!(children(&bytes, 2, bits), None);
            }
        }
    }

    #[test]
    fn a_tree_that_never_ends_is_seen() {
        for bits in [24, 28, 32] {
            let tree = |nodes: &[[u32; 2]]| -> Vec<u8> { nodes.iter().flat_map(|records| node(*records, bits)).collect() };
            let walked = |nodes: &[[u32; 2]]| is_walked_soon(&tree(nodes), nodes.len() as u32, bits);
            let line: Vec<[u32; 2]> = (1..=100).map(|next| [next, 100]).collect();
            assert!(walked(&line) && walked(&[[1, 1]]) && walked(&[]));
            // Other networks that lead to the nodes of IPv4.
            let mut aliased = line.clone();
            [1, 2, 3].into_iter().for_each(|at| aliased[at][1] = 20);
            assert!(walked(&aliased));
            let shared: Vec<[u32; 2]> = (1..=100).map(|next| [next, next]).collect();
            assert!(!walked(&shared), "every node twice from the one before");
            assert!(!walked(&[[0, 0]]), "a node that leads to itself, twice");
        }
    }
}
