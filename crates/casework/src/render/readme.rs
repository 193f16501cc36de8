//! `data/README.txt`: the commands to check a bundle by hand, with real names from this bundle.

use evidence::Digest;

/// A record of the bundle to show the commands with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Its line in `openings.txt`, counted from 1.
    pub opening_line: u64,
    /// The leaf's index.
    pub index: u64,
    /// SHA-256 of the opening line.
    pub commitment: Digest,
    /// The leaf's hash.
    pub leaf: Digest,
    /// Index of the note that delegates the key which signed the leaf.
    pub delegation: u64,
}

/// What the page is about.
#[derive(Debug, Clone)]
pub struct Readme<'a> {
    /// The log's origin.
    pub origin: &'a str,
    /// Whose bundle it is.
    pub recipient: &'a str,
    /// Index of the issue note.
    pub issue: u64,
    /// How many leaves the bundle holds.
    pub leaves: u64,
    /// Whether the last leaf closes the shard.
    pub is_complete: bool,
    /// The size of the last checkpoint in the bundle.
    pub checkpoint: Option<u64>,
    /// The first report in the bundle.
    pub uin: Option<&'a str>,
    /// Index of the note that delegates the approver's key.
    pub approver: u64,
    /// A record of the bundle.
    pub example: Option<&'a Example>,
}

/// The page.
pub fn readme(page: &Readme<'_>) -> String {
    let mut text = start(page);
    if let Some(example) = page.example {
        text.push_str(&record(example));
        text.push_str(&delegation(example));
    }
    if let Some(size) = page.checkpoint {
        text.push_str(&log(size));
    }
    if let Some(uin) = page.uin {
        text.push_str(&report(page.issue, page.approver, uin));
    }
    text.push_str(END);
    text
}

fn start(page: &Readme<'_>) -> String {
    let state = if page.is_complete {
        "The shard is closed: its last leaf says how many there are, and none can follow."
    } else {
        "The shard is still open: this bundle is interim. Leaves may follow, and only a newer checkpoint can tell."
    };
    format!(
        "HOW TO CHECK THIS BUNDLE BY HAND

This is the bundle of '{recipient}' for the issue in entry {issue} of the log {origin}. It holds {leaves} leaves.
{state}

The commands need openssl 3, xxd and the usual text tools. Run them in this order, in one shell, in the folder that
holds bagit.txt. They write only to a new folder under /tmp.

    T=$(mktemp -d)

1. The files are those that were packed. Both print nothing if all is well.

    sha256sum -c --quiet tagmanifest-sha256.txt
    sha256sum -c --quiet manifest-sha256.txt

2. The trust anchor. Compare this digest with the one that you have from elsewhere, not from this bundle.
   Everything below rests on it.

    sha256sum data/trust/anchor.txt
",
        recipient = page.recipient,
        issue = page.issue,
        origin = page.origin,
        leaves = page.leaves,
    )
}

fn record(example: &Example) -> String {
    format!(
        "
3. A record and its leaf. The example is entry {index} of the log. Its commitment is the digest of its line:
   {commitment}

    C=$(sed -n {opening_line}p data/recipient/openings.txt | sha256sum | cut -c1-64); echo $C

   The leaf that holds this commitment. It must be line {line}, for line N is entry N-1.

    grep -n \" $C \" data/shard/leaves.txt
    sed -n {line}p data/shard/leaves.txt > \"$T/leaf\"

   The leaf's hash in the log, as cir.json and evidence.txt name it:
   {leaf}

    {{ printf '\\0'; cat \"$T/leaf\"; }} | sha256sum

4. The worker's signature on the leaf, by the key that entry {delegation} delegates. The kid that the last command
   prints must stand in the leaf as well.

    cut -d' ' -f1-6 \"$T/leaf\" > \"$T/message\"
    cut -d' ' -f7 \"$T/leaf\" | xxd -r -p > \"$T/signature\"
    {{ printf 302a300506032b6570032100; awk '/^key ed25519 /{{print $3}}' data/shard/control/{delegation}.note; }} | tr -d '\\n' | xxd -r -p | openssl pkey -pubin -inform DER -out \"$T/worker.pem\"
    openssl pkeyutl -verify -pubin -inkey \"$T/worker.pem\" -rawin -in \"$T/message\" -sigfile \"$T/signature\"
    grep '^kid ' data/shard/control/{delegation}.note
",
        index = example.index,
        commitment = example.commitment,
        opening_line = example.opening_line,
        line = example.index + 1,
        leaf = example.leaf,
        delegation = example.delegation,
    )
}

fn delegation(example: &Example) -> String {
    format!(
        "
5. The root's signature on that delegation, and that the delegation is in the log: the digest must stand in line {line}.

    sed '/^$/,$d' data/shard/control/{delegation}.note > \"$T/text\"
    sed -n '$p' data/shard/control/{delegation}.note | cut -d' ' -f3 | base64 -d | tail -c 64 > \"$T/signature\"
    {{ printf 302a300506032b6570032100; awk '/^root /{{print $2}}' data/trust/anchor.txt | cut -d+ -f3- | base64 -d | tail -c 32 | xxd -p -c 64; }} | tr -d '\\n' | xxd -r -p | openssl pkey -pubin -inform DER -out \"$T/root.pem\"
    openssl pkeyutl -verify -pubin -inkey \"$T/root.pem\" -rawin -in \"$T/text\" -sigfile \"$T/signature\"
    grep -n \" $(sha256sum data/shard/control/{delegation}.note | cut -c1-64) \" data/shard/leaves.txt
",
        delegation = example.delegation,
        line = example.delegation + 1,
    )
}

fn log(size: u64) -> String {
    format!(
        "
6. The log's signature on the checkpoint of size {size}. Further lines under it are those of witnesses; they sign
   'cosignature/v1', a time and the same three lines, under the keys in the trust anchor.

    head -n 3 data/shard/checkpoints/{size}.txt > \"$T/text\"
    sed -n 5p data/shard/checkpoints/{size}.txt | cut -d' ' -f3 | base64 -d | tail -c 64 > \"$T/signature\"
    {{ printf 302a300506032b6570032100; awk '/^log /{{print $2}}' data/trust/anchor.txt | cut -d+ -f3- | base64 -d | tail -c 32 | xxd -p -c 64; }} | tr -d '\\n' | xxd -r -p | openssl pkey -pubin -inform DER -out \"$T/log.pem\"
    openssl pkeyutl -verify -pubin -inkey \"$T/log.pem\" -rawin -in \"$T/text\" -sigfile \"$T/signature\"

7. The checkpoint's root (its third line) is that of the first {size} leaves (RFC 6962). This needs python3 and prints
   the same line.

    sed -n 3p data/shard/checkpoints/{size}.txt
    head -n {size} data/shard/leaves.txt | python3 -c \"
import base64, hashlib, sys
stack = []
for line in sys.stdin.buffer:
    node, height = hashlib.sha256(b'\\0' + line).digest(), 0
    while stack and stack[-1][1] == height:
        node, height = hashlib.sha256(b'\\1' + stack.pop()[0] + node).digest(), height + 1
    stack.append((node, height))
node = stack.pop()[0] if stack else hashlib.sha256(b'').digest()
while stack:
    node = hashlib.sha256(b'\\1' + stack.pop()[0] + node).digest()
print(base64.b64encode(node).decode())\"
"
    )
}

fn report(issue: u64, approver: u64, uin: &str) -> String {
    format!(
        "
8. The approver's signature on the issue note, by the key that entry {approver} delegates to the holder that the first
   command names.

    grep '^holder ' data/shard/control/{approver}.note
    sed '/^$/,$d' data/shard/control/{issue}.note > \"$T/text\"
    sed -n '$p' data/shard/control/{issue}.note | cut -d' ' -f3 | base64 -d | tail -c 64 > \"$T/signature\"
    {{ printf 302a300506032b6570032100; awk '/^key ed25519 /{{print $3}}' data/shard/control/{approver}.note; }} | tr -d '\\n' | xxd -r -p | openssl pkey -pubin -inform DER -out \"$T/approver.pem\"
    openssl pkeyutl -verify -pubin -inkey \"$T/approver.pem\" -rawin -in \"$T/text\" -sigfile \"$T/signature\"

   A report is the one that the approver signed: its digest stands in the issue note. The first command prints 1.

    grep -c $(sha256sum data/cirs/{uin}/cir.json | cut -c1-64) data/shard/control/{issue}.note
    cat data/cirs/{uin}/notice.txt
"
    )
}

const END: &str = "
9. Nothing is left behind.

    rm -r \"$T\"

What is where

    data/cirs/            the reports: cir.json is what is signed, notice.txt says the same in plain words
    data/process-report.* how all this was obtained, and what is not known
    data/recipient/       the records that this recipient is owed, and the recorded bytes of each connection
    data/shard/           the log: leaves, checkpoints and control notes, the same bytes for every recipient
    data/tables/          the dated tables by which addresses were attributed
    data/trust/           the trust anchor

Other programs may be used for every step: the formats are described in evidence-schema/ of the project, and a
verifier in plain Python is kept beside it.
";
