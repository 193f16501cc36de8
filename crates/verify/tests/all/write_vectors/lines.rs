//! Leaves, anchors, parts and tables.

use evidence::hex;

use super::{Made, add, changed, examples::example};
use crate::keys;

pub fn add_all(made: &mut Made) {
    leaves(made);
    anchors(made);
    parts(made);
    tables(made);
}

fn leaves(made: &mut Made) {
    let leaf = example().leaves[2].clone();
    let key = keys::public("w1").to_string();
    add(made, "leaf/worked-example", "ok", "3.1", "the leaf of the worked example", &[("key", &key)], &leaf);
    for (name, why, from, to) in [
        ("version", "a version that does not exist", "leaf/1", "leaf/2"),
        ("tag", "another tag", "affiant.leaf", "affiant.leave"),
        ("two-spaces", "fields are separated by one space", "affiant.leaf/1 ", "affiant.leaf/1  "),
        ("tab", "fields are separated by a space, not a tab", "affiant.leaf/1 ", "affiant.leaf/1\t"),
        ("seq-leading-zero", "a number has no leading zeros", " 0 ", " 00 "),
        ("seq-plus", "a number has no sign", " 0 ", " +0 "),
        ("seq-negative", "a number is not negative", " 0 ", " -1 "),
        ("seq-too-large", "a number fits 64 bits", " 0 ", " 18446744073709551616 "),
        ("kid-upper-case", "hexadecimal digits are lower case", "ba29f5", "BA29F5"),
        ("kid-short", "a kid has 16 digits", "ba29f59ba00a8cea", "ba29f59ba00a8c"),
        ("part-leading-zero", "an AS number has no leading zeros", "as2856", "as02856"),
        ("part-unknown", "a part is as<number>, audit or ctl", "as2856", "isp"),
        ("part-too-large", "an AS number fits 32 bits", "as2856", "as4294967296"),
        ("part-upper-case", "a part is lower case", "as2856", "AS2856"),
        ("no-line-feed", "a leaf ends with a line feed", "\n", ""),
        ("two-line-feeds", "a leaf is one line", "\n", "\n\n"),
        ("carriage-return", "a leaf ends with a line feed alone", "\n", "\r\n"),
        ("trailing-space", "nothing follows the signature", "\n", " \n"),
        ("seventh-field", "there are six fields and the signature", "\n", " x\n"),
        ("signature-short", "a signature has 128 digits", "c6a404", "c6a4"),
        ("not-ascii", "only ASCII occurs", "as2856", "as２856"),
    ] {
        add(made, &format!("leaf/{name}"), "fail", "3.1", why, &[("key", &key)], changed(&leaf, from, to));
    }
    add(made, "leaf/empty", "fail", "3.1", "nothing is not a leaf", &[("key", &key)], "");
    add(
        made,
        "leaf/signature-bit",
        "fail",
        "3.4",
        "one bit of the signature",
        &[("key", &key)],
        changed(&leaf, "1275907a", "1275907b"),
    );
    add(
        made,
        "leaf/commitment-bit",
        "fail",
        "3.4",
        "one bit of the commitment",
        &[("key", &key)],
        changed(&leaf, "dc6ead02", "dc6ead03"),
    );
    add(made, "leaf/part-changed", "fail", "3.4", "the part is signed too", &[("key", &key)], changed(&leaf, "as2856", "audit"));
    add(made, "leaf/other-key", "fail", "3.4", "another key's signature", &[("key", &keys::public("reg").to_string())], &leaf);
    // With the identity as key, R = identity and s = 0 satisfy the equation for every message.
    let identity = format!("01{}", "00".repeat(31));
    let universal = format!("{} 01{}\n", leaf.rsplit_once(' ').unwrap().0, "00".repeat(63));
    add(
        made,
        "leaf/weak-key",
        "fail",
        "3.4",
        "a key of small order, under which anybody signs anything",
        &[("key", &identity)],
        universal,
    );
    add(
        made,
        "leaf/s-not-reduced",
        "fail",
        "3.4",
        "s plus the group order: strict verification refuses it",
        &[("key", &key)],
        unreduced(&leaf),
    );
}

/// The same signature with s + L in place of s.
fn unreduced(leaf: &str) -> String {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let (head, signature) = leaf.trim_end().rsplit_once(' ').unwrap();
    let mut signature: [u8; 64] = hex::decode(signature).unwrap();
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    format!("{head} {}\n", hex::encode(&signature))
}

fn anchors(made: &mut Made) {
    let anchor = keys::anchor();
    let witness = format!("witness {}\n", keys::witness());
    let digest = "00".repeat(32);
    add(made, "anchor/one-witness", "ok", "2.1", "root, log and one witness of which one must cosign", &[], &anchor);
    add(
        made,
        "anchor/no-witness",
        "ok",
        "2.1",
        "a quorum of 0 is allowed, and warned of",
        &[],
        changed(&changed(&anchor, &witness, ""), "quorum 1", "quorum 0"),
    );
    add(
        made,
        "anchor/timestamp-authority",
        "ok",
        "2.1",
        "with the root certificate of a timestamp authority",
        &[],
        format!("{anchor}tsa {digest}\n"),
    );
    let log = format!("log {}\n", keys::log());
    for (name, why, text) in [
        ("version", "a version that does not exist", changed(&anchor, "anchor/1", "anchor/2")),
        ("quorum-too-large", "more witnesses asked for than there are", changed(&anchor, "quorum 1", "quorum 2")),
        ("quorum-leading-zero", "a number has no leading zeros", changed(&anchor, "quorum 1", "quorum 01")),
        ("order", "the lines stand in their order", changed(&anchor, &log, "") + &log),
        ("unknown-line", "a line that nobody reads", format!("{anchor}note hello\n")),
        ("no-line-feed", "the last line ends", anchor.trim_end().into()),
        ("witness-twice", "a witness would count twice", format!("{anchor}{witness}")),
        ("tsa-twice", "an authority is named twice", format!("{anchor}tsa {digest}\ntsa {digest}\n")),
        ("root-name", "root's key is called <name>/root", changed(&anchor, "log.example.org/root", "log.example.org/boot")),
        ("key-id", "the key id does not belong to the key", anchor.replace(&keys::root().key_id().to_string(), "00000000")),
        (
            "log-kind",
            "a witness key in the log's place",
            changed(&anchor, &keys::log().to_string(), &keys::witness().to_string()),
        ),
        ("other-month", "the log's name ends with a month", anchor.replace("2026-09", "2026-13")),
    ] {
        add(made, &format!("anchor/{name}"), "fail", "2.1", why, &[], text);
    }
}

fn parts(made: &mut Made) {
    let isp = "affiant.part/1\nrecipient lab-isp\nissue 20\npart as64496\npart as64497\n";
    let audit = "affiant.part/1\nrecipient audit\nissue 20\npart all\n";
    add(made, "part/isp", "ok", "7.1", "an ISP with two AS numbers", &[], isp);
    add(made, "part/audit", "ok", "7.1", "the audit bundle", &[], audit);
    for (name, why, text) in [
        ("version", "a version that does not exist", changed(isp, "part/1", "part/2")),
        ("descending", "the parts ascend", "affiant.part/1\nrecipient lab-isp\nissue 20\npart as64497\npart as64496\n".into()),
        ("twice", "a part stands once", changed(isp, "as64497", "as64496")),
        ("isp-all", "only the auditor gets every part", changed(audit, "audit", "lab-isp")),
        ("audit-as", "the auditor gets every part", changed(isp, "lab-isp", "audit")),
        ("none", "some part is named", "affiant.part/1\nrecipient lab-isp\nissue 20\n".into()),
        ("ctl", "control notes are everybody's", changed(isp, "as64496", "ctl")),
        ("issue-leading-zero", "a number has no leading zeros", changed(isp, "issue 20", "issue 020")),
        ("recipient-path", "an identifier is no path", changed(isp, "lab-isp", "../lab")),
        ("more", "no other line", format!("{isp}note x\n")),
        ("no-line-feed", "the last line ends", isp.trim_end().into()),
    ] {
        add(made, &format!("part/{name}"), "fail", "7.1", why, &[], text);
    }
}

fn tables(made: &mut Made) {
    let one = "11".repeat(32);
    let two = "22".repeat(32);
    let good = format!("affiant.tables/1\n{one} 46 iptoasn 2026-08-31 laboratory\n{two} 36 isp-register 2026-08-31 uk\n");
    add(made, "tables/two", "ok", "8.2", "a prefix table and the register", &[], &good);
    for (name, why, text) in [
        ("version", "a version that does not exist", changed(&good, "tables/1", "tables/2")),
        ("kind", "a kind that does not exist", changed(&good, "iptoasn", "whois")),
        ("date", "a day that does not exist", changed(&good, "2026-08-31", "2026-08-32")),
        ("twice", "a table stands once", changed(&good, &two, &one)),
        ("size", "a size is a number", changed(&good, " 46 ", " 046 ")),
        ("name-with-space", "a name has no spaces", changed(&good, "laboratory", "the laboratory")),
        ("no-name", "a name is there", changed(&good, " laboratory", "")),
        ("digest", "a digest is lower-case hexadecimal", good.replacen("1111", "11AA", 1)),
    ] {
        add(made, &format!("tables/{name}"), "fail", "8.2", why, &[], text);
    }
}
