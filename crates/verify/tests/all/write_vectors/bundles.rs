//! Two whole bundles as folders, and edits of them that a verifier must notice.

use evidence::sha256;

use super::{Made, add};
use crate::{
    files::{For, lay_out},
    records,
    story::{CLOSE, ERASED, FIRST, ISSUE, Plan, WITHHELD, tell},
};

pub fn add_all(made: &mut Made) {
    let story = tell(&Plan::honest());
    for (name, whose) in [("isp", For::Isp), ("audit", For::Audit)] {
        for (path, bytes) in lay_out(&story, whose).0 {
            made.insert(format!("bundle/{name}/{path}"), bytes);
        }
    }
    let folder = format!("data/cirs/{}", story.cir.uin);
    let last = CLOSE + 1;
    let escaped = |index: u64| story.shard.openings[&index].replace('\n', "\\n");
    let transcript = sha256(records::transcript(0).as_bytes());
    let table = sha256(records::PREFIXES);

    let mut put = |name: &str, base: &str, step: &str, sealed: bool, why: &str, edits: String| {
        let expect = if step == "none" { "ok" } else { "fail" };
        let sealed = if sealed { "yes" } else { "no" };
        add(made, &format!("bundle/{name}"), expect, step, why, &[("base", base), ("sealed", sealed)], format!("{edits}\n"));
    };
    put("good-isp", "isp", "none", false, "an ISP's bundle as issued", String::new());
    put("good-audit", "audit", "none", false, "the audit bundle as issued", String::new());
    put("readme-may-differ", "isp", "none", true, "explanations are nobody's evidence", "append data/README.txt More.\\n".into());

    put(
        "blocks-removed",
        "audit",
        "8.4",
        true,
        "the digests of a reference copy are missing",
        format!("remove data/dossiers/{}/blocks.sha256", story.dossier),
    );
    put(
        "blocks-for-nobody",
        "audit",
        "8.4",
        true,
        "digests of a dossier that no report rests on",
        format!("write data/dossiers/{}/blocks.sha256 x", sha256(b"no dossier")),
    );
    put(
        "blocks-for-an-isp",
        "isp",
        "8.4",
        true,
        "the digests of a reference copy are the auditor's",
        format!("write data/dossiers/{}/blocks.sha256 x", story.dossier),
    );
    put(
        "laboratory-line",
        "isp",
        "9.17",
        true,
        "only a laboratory's notice says that it is one",
        format!("replace {folder}/notice.txt /Report/{}Report/", crate::files::LABORATORY_LINE.replace('\n', "\\n")),
    );

    // The bag, not sealed anew.
    put(
        "payload-edited",
        "isp",
        "1.5",
        false,
        "a digest in the manifest does not hold",
        format!("replace {folder}/cir.json /12:00:00/12:00:01/"),
    );
    put("file-added", "isp", "1.2", false, "no other file may be in the bag", "write data/extra.txt x".into());
    put("file-removed", "isp", "1.2", false, "every file must be in the bag", "remove data/README.txt".into());
    put(
        "fetch-file",
        "isp",
        "1.2",
        false,
        "a bag that sends its reader elsewhere",
        "write fetch.txt https://example.org/x 1 data/x\\n".into(),
    );
    put(
        "manifest-line-dropped",
        "isp",
        "1.4",
        false,
        "the manifest covers the payload",
        "drop-line manifest-sha256.txt 3".into(),
    );
    put("bag-version", "isp", "1.3", false, "another version of BagIt", "replace bagit.txt /1.0/0.97/".into());
    put(
        "bag-info-day",
        "isp",
        "1.7",
        false,
        "the day is that of the issue",
        "replace bag-info.txt /2026-09-02/2026-09-03/".into(),
    );
    put(
        "tag-manifest",
        "isp",
        "1.6",
        false,
        "the tag manifest covers the tag files",
        "drop-line tagmanifest-sha256.txt 1".into(),
    );

    // What a forger does who seals the bag anew.
    put(
        "anchor-replaced",
        "isp",
        "2.2",
        true,
        "the anchor's digest comes from elsewhere",
        "replace data/trust/anchor.txt /quorum 1/quorum 0/".into(),
    );
    put("leaf-dropped", "isp", "5.2", true, "the tree is another one", format!("drop-line data/shard/leaves.txt {}", FIRST + 1));
    put("leaves-truncated", "isp", "6.1", true, "the last leaf is cut off", format!("drop-line data/shard/leaves.txt {last}"));
    put(
        "leaves-and-checkpoint-truncated",
        "isp",
        "6.1",
        true,
        "neither is there a checkpoint of what is left",
        format!(
            "drop-line data/shard/leaves.txt {last}\nremove data/shard/checkpoints/{last}.txt\nremove data/shard/control/{CLOSE}.note"
        ),
    );
    put(
        "leaf-number",
        "isp",
        "3.2",
        true,
        "a number under a key is not the next",
        "replace data/shard/leaves.txt / 5 / 6 /".into(),
    );
    put("note-removed", "isp", "4.1", true, "a note of the log is missing", format!("remove data/shard/control/{ISSUE}.note"));
    put(
        "note-edited",
        "isp",
        "4.1",
        true,
        "a note is not what its leaf commits to",
        "replace data/shard/control/5.note /Example Records/Other Records/".into(),
    );
    put(
        "note-added",
        "isp",
        "4.1",
        true,
        "a note that the log does not hold",
        "copy data/shard/control/0.note data/shard/control/99.note".into(),
    );
    put(
        "checkpoint-renamed",
        "isp",
        "5.1",
        true,
        "a checkpoint under another size",
        format!("copy data/shard/checkpoints/{last}.txt data/shard/checkpoints/7.txt"),
    );
    put("part-changed", "isp", "7.2", true, "openings of another AS", "replace data/recipient/part.txt /64496/64497/".into());
    put(
        "address-edited",
        "isp",
        "7.3",
        true,
        "an address in an opening",
        "replace data/recipient/openings.txt /203.0.113.7/203.0.113.8/".into(),
    );
    put("opening-dropped", "isp", "7.2", true, "an owed opening is missing", "drop-line data/recipient/openings.txt 1".into());
    put(
        "opening-twice",
        "isp",
        "7.2",
        true,
        "an opening stands once",
        format!("append data/recipient/openings.txt {}", escaped(FIRST)),
    );
    put(
        "opening-of-others",
        "isp",
        "7.2",
        true,
        "the auditor's opening in an ISP's bundle",
        format!("append data/recipient/openings.txt {}", escaped(15)),
    );
    put(
        "erased-is-back",
        "isp",
        "7.4",
        true,
        "an erased opening reappears",
        format!("append data/recipient/openings.txt {}", escaped(ERASED)),
    );
    put(
        "erased-is-back-audit",
        "audit",
        "7.4",
        true,
        "an erased opening reappears in the audit bundle",
        format!("append data/recipient/openings.txt {}", escaped(ERASED)),
    );
    put(
        "withheld-is-there",
        "isp",
        "7.5",
        true,
        "a withheld opening is delivered",
        format!("append data/recipient/openings.txt {}", escaped(WITHHELD)),
    );
    put(
        "transcript-removed",
        "isp",
        "8.1",
        true,
        "a transcript is missing",
        format!("remove data/recipient/transcripts/{transcript}"),
    );
    put(
        "transcript-edited",
        "isp",
        "8.1",
        true,
        "a transcript is edited",
        format!("append data/recipient/transcripts/{transcript} x"),
    );
    put("table-edited", "isp", "8.2", true, "a table is edited", format!("replace data/tables/{table} /64496/64497/"));
    put(
        "table-unlisted",
        "isp",
        "8.3",
        true,
        "an opening rests on a table that is not listed",
        "drop-line data/tables/tables.txt 2".into(),
    );
    put(
        "report-edited",
        "isp",
        "9.3",
        true,
        "a report is not what the issue lists",
        format!("replace {folder}/cir.json /203.0.113.7/203.0.113.8/"),
    );
    put(
        "report-removed",
        "isp",
        "9.2",
        true,
        "a listed report is missing",
        format!("remove {folder}/cir.json\nremove {folder}/notice.txt\nremove {folder}/evidence.txt"),
    );
    put(
        "notice-address",
        "isp",
        "9.17",
        true,
        "the notice speaks of another address",
        format!("append {folder}/notice.txt And 203.0.113.99.\\n"),
    );
    put(
        "evidence-of-others",
        "isp",
        "9.17",
        true,
        "evidence.txt holds a record that the report does not rest on",
        format!("append {folder}/evidence.txt {}", escaped(WITHHELD)),
    );
    put(
        "issue-moved",
        "isp",
        "9.1",
        true,
        "the bundle belongs to no issue",
        format!("replace data/recipient/part.txt /issue {ISSUE}/issue 19/"),
    );
    put("process-report-emptied", "isp", "10.1", true, "there is no process report", "write data/process-report.json {}".into());
}
