"""Steps 7 and 8: the openings that the recipient is owed, each against its leaf, and what they name."""
import json
import re
from collections import Counter, defaultdict

from .bag import MIB
from .forms import HEX, NUMBER, canonical, day, fits, is_utf8, lines_of, need, sha, whole
from .records import BLOCK, Seen, block_number, fault, matching, work_blocks

KINDS = {b"affiant.obs/1": "observation", b"affiant.cand/1": "candidates", b"affiant.clock/1": "clock", b"affiant.run/1": "run"}


def decode(line):
    """The kind of an opening and its JSON, in their one form."""
    tag, blind, data = line.split(b" ", 2)
    need(tag in KINDS, f"the tag {tag[:40]} does not exist")
    need(whole(HEX + "{64}", blind.decode()) and data.endswith(b"\n"), "the blind, or no line feed")
    value = canonical(data[:-1])
    need(isinstance(value, dict) and set(value) == {"body", "kid", "seq"}, "the members are not body, kid and seq")
    need(type(value["seq"]) is int and value["seq"] >= 0 and whole(HEX + "{16}", value["kid"]), "kid or seq")
    fits(KINDS[tag], value["body"])
    return KINDS[tag], value


class Openings:
    """What later steps need is kept: `present`, `seen` and `visits` for the sessions, `bodies` of what reports name."""

    def read_part(self):
        self.counts["7.1"] += 1
        text = self.read("data/recipient/part.txt", 64 << 10).decode()
        match = whole(rf"affiant\.part/1\nrecipient ([A-Za-z0-9._-]{{1,64}})\nissue ({NUMBER})\n((?:part (?:all|as{NUMBER})\n)+)", text)
        need(match, "part.txt is not in its one form")
        parts = [line[len("part "):] for line in match.group(3).split("\n")[:-1]]
        self.audit = match.group(1) == "audit"
        need(parts == ["all"] if self.audit else "all" not in parts, "all is the auditor's part, and nobody else's")
        numbers = [int(part[2:]) for part in parts if part != "all"]
        need(all(a < b for a, b in zip(numbers, numbers[1:])) and max(numbers, default=0) < 2**32, "the parts do not ascend")
        return match.group(1), int(match.group(2)), set(parts)

    def fate(self, index):
        """What must become of the opening of a leaf that is no ctl one."""
        issue, part = self.part[1], self.leaves[index][2]
        if not self.audit and part not in self.part[2]:
            return "not owed"
        if index in self.erased:
            return "erased"
        if not self.audit and self.withheld.get(index, issue) < issue:
            return "withheld"
        return "later" if not self.audit and index > issue else "present"

    def openings(self):
        places = {}
        for i, leaf in enumerate(self.leaves):
            if leaf and leaf[2] != "ctl":
                places.setdefault(leaf[3], []).append(i)
        self.lists, self.introductions, self.present, self.seen, self.visits, self.bodies = {}, {}, set(), {}, {}, {}
        self.named, self.named_tables, number, start = set(), set(), 0, 0
        self.starts, self.ends, self.observed, self.made = {}, {}, set(), Counter()
        wanted = {entry["index"] for report in self.reports.values() for entry in report["evidence"]}
        self.reported = {entry["index"] for report in self.reports.values() for entry in report["evidence"] if not entry["control"]}
        if not self.audit:
            self.skips["7.10"] = "the lists of candidates are in the audit bundle"
        data, last = self.attempt("7.6", self.read, "data/recipient/openings.txt", 1 << 30) or b"", -1
        while start < len(data):
            number, end = number + 1, data.find(b"\n", start, start + MIB) + 1
            line, start = data[start:end], end
            if not end or not is_utf8(line):
                self.bad("7.6", f"line {number} is longer than 1 MiB, has no end or is not UTF-8; the rest was not read")
                break
            index = next((i for i in places.get(sha(line), ()) if i > last), places.get(sha(line), [None])[-1])
            if not self.check("7.3", index is not None, f"line {number}: no leaf commits to it"):
                continue
            fate = self.fate(index)
            self.check("7.4", fate != "erased", f"line {number}: the erasure of the opening of leaf {index} is logged")
            self.check("7.2", fate not in ("not owed", "later"), f"line {number}: leaf {index} is somebody else's, or a later issue's")
            if fate in ("present", "withheld") and \
                    self.check("7.2", index > last, f"line {number}: the opening of leaf {index} is out of order, or there twice"):
                last = index
                self.present.add(index)
                self.attempt("7.6", self.opening, index, line, index in wanted)
        fates = Counter()
        for index, leaf in enumerate(self.leaves):
            if leaf and leaf[2] != "ctl":
                fate = self.fate(index)
                there = index in self.present
                fates[fate if not there and fate != "present" else "present" if there else "lost"] += 1
                self.check("7.2", there or fate != "present", f"the opening of leaf {index} is missing, and no note says why")
        self.told = ", ".join(f"{fates[fate]} {fate}" for fate in ("present", "erased", "withheld", "later", "not owed", "lost"))
        self.counts["7.4"] += len(self.erased)
        if self.audit:
            self.accounts()

    def opening(self, index, line, wanted):
        kid, seq, part, commitment = self.leaves[index]
        self.counts["7.6"] += 1
        kind, value = decode(line)
        body = value["body"]
        self.check("7.7", (value["kid"], value["seq"]) == (kid, seq), f"the opening of leaf {index}: kid and seq are not the leaf's")
        served = kind == "observation" and body["grade"] == "served" and body["attribution"]["asn"] is not None
        own = f"as{body['attribution']['asn']}" if served else "audit"
        self.check("7.8", part == own, f"leaf {index} has the part {part}, what it commits to belongs to {own}")
        why = fault(kind, body)
        self.check("7.9", why is None, f"the opening of leaf {index}: {why}")
        if kind == "candidates":
            self.lists[commitment] = (body["peers"], body["dropped"], (body["run"], json.dumps(body["target"])))
        if kind == "run":
            self.run_fact(body["run"], body["fact"])
        if kind == "observation":
            self.observation(index, commitment, body, wanted)

    def observation(self, index, commitment, b, wanted):
        starts = self.starts.get(b["run"], {b["laboratory"]})
        self.check("7.9", b["laboratory"] == (False not in starts), f"leaf {index}: laboratory is not what the run's start says")
        self.observed.add((b["run"], json.dumps(b["target"]), b["peer"]))
        self.made[b["run"]] += 1
        if self.audit and b["found"]:
            self.check("7.10", self.is_listed(index, b), f"observation {index}: no list logged before names the peer at that place")
        if self.audit and b["rendezvous"]:
            self.check("7.10", self.is_introduced(index, b), f"observation {index}: no rendezvous of its run and target was logged before")
        if b["outcome"]["kind"] == "introduced" and b["outcome"]["connects"] > 0:
            self.introductions[commitment] = (b["run"], b["target"])
        if b["transcript_sha256"]:
            self.named.add(b["transcript_sha256"])
        self.named_tables.update(b["attribution"]["tables"])
        self.peers.add(b["peer"].rpartition(":")[0].strip("[]"))
        if wanted:
            self.bodies[index] = b
        if index >= self.part[1]:  # entries after the issue belong to a later one
            return
        if b["purpose"]["kind"] == "control":
            self.visits[index] = (b["peer"], b["purpose"]["about"], b["outcome"]["kind"])
            return
        blocks = [c for c in work_blocks(b) if c["first_byte"] and c["answered"]]
        times = b["times"]["first_block"], b["times"]["last_block"]
        if b["grade"] == b["outcome"]["kind"] == "served" and blocks and all(times) and times[0]["utc"] <= times[1]["utc"]:
            seen = Seen(index, commitment, b, blocks)
            if seen.first <= seen.last:
                self.seen[index] = seen

    def is_listed(self, index, b):
        if b["found"]["list"] not in self.lists:  # it may have been erased
            return any(i < index and self.leaves[i][3] == b["found"]["list"] for i in self.erased)
        place, (peers, dropped, _) = b["found"]["index"], self.lists[b["found"]["list"]]
        if place < len(peers):
            return peers[place] == b["peer"]
        return place < len(peers) + dropped and b["outcome"] == {"kind": "excluded", "rule": "list-too-long"}

    def is_introduced(self, index, b):
        if b["rendezvous"] not in self.introductions:  # it may have been erased
            return any(i < index and self.leaves[i][3] == b["rendezvous"] for i in self.erased)
        return self.introductions[b["rendezvous"]] == (b["run"], b["target"])

    def run_fact(self, run, fact):
        if fact["kind"] == "started":
            self.starts.setdefault(run, set()).add(fact["laboratory"])
        if fact["kind"] == "ended":
            self.ends.setdefault(run, []).append(fact["observations"])

    def accounts(self):
        """Each run that ended accounts for every address that it heard of and every contact that it made, but for what was erased."""
        lacking, unaccounted, erased = 0, set(), len(self.erased)
        for run, stated in sorted(self.ends.items()):
            self.check("7.10", len(stated) == 1, f"run {run} says {len(stated)} times that it ended")
            lacking += max(0, stated[0] - self.made[run])
            fine = stated[0] >= self.made[run] and lacking <= erased
            self.check("7.10", fine, f"run {run} says that it made {stated[0]} observations, and there are {self.made[run]}")
        for peers, _, (run, target) in self.lists.values():
            for peer in peers if run in self.ends else ():
                if (run, target, peer) not in self.observed and (run, target, peer) not in unaccounted:
                    unaccounted.add((run, target, peer))
                    self.check("7.10", len(unaccounted) <= erased, f"run {run} heard of an address of which it has no observation")
        if min(lacking, erased) or min(len(unaccounted), erased):
            self.warn("7.10", "openings were erased: what some contacts and addresses came to cannot be told any more")
        if any(run not in self.ends for run in set(self.starts) | set(self.made)):
            self.warn("7.10", "a run did not say that it ended: whether it accounts for every address cannot be told")

    # ---- 8 attachments (bundle.md, attribution.md) ----

    def transcripts(self):
        here = self.under("data/recipient/transcripts/")
        for name, path in here.items():
            self.check("8.1", self.payload[path][2] == name, f"the transcript {name} holds other bytes")
            self.check("8.1", name in self.named, f"the transcript {name} is named by no opening here")
        for name in sorted(self.named - set(here)):
            self.bad("8.1", f"the transcript {name} is named by an opening and missing")

    def block_digests(self):
        """Step 8.4: what the reports rest on against the digests of the reference copies."""
        here = {name.split("/")[0]: path for name, path in self.under("data/dossiers/").items()}
        if not self.audit:
            self.skips["8.4"] = "the digests of the reference copies are in the audit bundle"
        dossiers = {note.sha: note.says for _, note in self.counted if note.tag == "dossier"}
        rests_on = defaultdict(list)
        for index, body in sorted(self.bodies.items()):
            if self.audit and index in self.reported and body["dossier_sha256"] in dossiers:
                rests_on[body["dossier_sha256"]].append((index, body))
        for digest in sorted(set(here) | set(rests_on)):
            self.check("8.4", digest in here, f"the block digests of the dossier {digest} are missing")
            if self.check("8.4", digest in rests_on, f"{digest} is of no dossier that a report here rests on") and digest in here:
                self.attempt("8.4", self.compare_blocks, here[digest], dossiers[digest], rests_on[digest])

    def compare_blocks(self, path, dossier, observations):
        need(self.payload[path][2] == dossier["blocks_sha256"], f"{path} does not have the SHA-256 of the dossier's note")
        data, piece = self.read(path, 1 << 30), max(1, dossier["piece_bytes"])
        whole_pieces, rest = divmod(dossier["total_bytes"], piece)
        blocks = whole_pieces * -(-piece // BLOCK) + -(-rest // BLOCK)
        if dossier["target"]["v2"] is not None:
            blocks = sum(-(-f["bytes"] // BLOCK) for f in dossier["files"] if not f["padding"])
        need(len(data) == 32 * blocks, f"{path} is not one digest a block")
        for index, body in observations:
            for c in matching(body):
                number = block_number(dossier, c)
                if number is not None and c["sha256"] is not None:
                    same = data[32 * number:32 * number + 32].hex() == c["sha256"]
                    self.check("8.4", same, f"observation {index}: block {number} is another than the reference copy's")

    def list_tables(self):
        self.counts["8.2"] += 1
        lines = lines_of(self.read("data/tables/tables.txt"), "tables.txt")
        need(lines[0] == "affiant.tables/1", "tables.txt does not begin with its tag")
        listed = {}
        for line in lines[1:]:
            match = re.fullmatch(rf"({HEX}{{64}}) ({NUMBER}) (iptoasn|mmdb|isp-register) ([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}) "
                                 r"([^ \x00-\x1f\x7f-\x9f]+)", line)
            need(match and day(match.group(4)) and match.group(1) not in listed, f"the line {line[:99]!r}")
            listed[match.group(1)] = (int(match.group(2)), match.group(3))
        self.tables = {digest: kind for digest, (_, kind) in listed.items()}
        here = {name: path for name, path in self.under("data/tables/").items() if name != "tables.txt"}
        for name, path in here.items():
            self.check("8.2", self.payload[path][2] == name, f"the table {name} has other bytes")
            size = self.payload[path][0]
            self.check("8.2", name in listed and size == listed[name][0] <= 4 * MIB, f"the table {name} is not listed with that size")
        for digest, (size, _) in listed.items():
            self.check("8.2", size > 4 * MIB or digest in here, f"the table {digest} is listed and missing")
