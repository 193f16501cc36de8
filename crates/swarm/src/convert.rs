//! The same bytes under `wire`'s and `evidence`'s names: neither crate knows the other.

pub(crate) fn wire_hash(hash: evidence::InfoHashV1) -> wire::infohash::InfoHashV1 {
    wire::infohash::InfoHashV1(*hash.as_bytes())
}

pub(crate) fn evidence_hash(hash: wire::infohash::InfoHashV1) -> evidence::InfoHashV1 {
    evidence::InfoHashV1::from(hash.0)
}
