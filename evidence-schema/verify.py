#!/usr/bin/env python3
"""Checks a bundle by the numbered steps of verify.md, and needs nothing but this folder and Python 3.9.

    python3 verify.py BUNDLE [--anchor-sha256 HEX] [--newer-checkpoint FILE] [--json]

BUNDLE is a folder or a .zip. The exit status is 0 if it is valid, 1 if it is not, 2 if there is nothing to check. With the package
`cryptography` the signatures take a fifteenth of the time. It was written from the pages alone, without the Rust verifier."""
import argparse
import json
import os
import re
import sys
from collections import Counter, defaultdict

from verifier.bag import MIB, NoBundle, open_bag
from verifier.forms import HERE, HEX, NUMBER, Refused, day, fits, lines_of, need, parse_json, whole
from verifier.log import LINE, Log
from verifier.openings import Openings
from verifier.reports import Reports, as_address

with open(os.path.join(HERE, "verify.md"), encoding="utf-8") as page:
    STEPS = re.findall(r"^### ([0-9]+\.[0-9]+) (.+)$", page.read(), re.MULTILINE)
FIXED = {"bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt", "data/README.txt", "data/trust/anchor.txt",
         "data/shard/leaves.txt", "data/recipient/part.txt", "data/recipient/openings.txt", "data/tables/tables.txt",
         "data/process-report.json", "data/process-report.html"}
OTHERS = "data/(" + "|".join((
    rf"shard/checkpoints/{NUMBER}\.txt", rf"shard/control/{NUMBER}\.note", rf"recipient/transcripts/{HEX}{{64}}", rf"tables/{HEX}{{64}}",
    rf"dossiers/{HEX}{{64}}/blocks\.sha256", rf"cirs/[0-9]{{6}}-{HEX}{{8}}-{NUMBER}/(cir\.json|notice\.txt|evidence\.txt)",
    r"process-report\.pdf")) + ")"


class Check(Log, Openings, Reports):
    """One bundle. A method a part of verify.md; `bad`, `warn` and `check` note what a step found."""

    def __init__(self, anchor_sha256, checkpoint):
        self.anchor_sha256, self.given, self.bag = anchor_sha256, checkpoint, {}
        self.faults, self.warnings, self.skips, self.counts = defaultdict(list), {}, {}, Counter()
        self.state, self.log, self.part, self.issue, self.stopped = "unknown", None, None, None, None
        self.leaves, self.hashes, self.reports, self.peers, self.tables, self.told = [], [], {}, set(), {}, "holds"

    def bad(self, step, why):
        self.faults[step].append(str(why)[:400])

    def warn(self, step, why):
        self.counts[step] += 1
        self.warnings.setdefault(step, why)

    def check(self, step, fine, why):
        self.counts[step] += 1
        if not fine:
            self.bad(step, why)
        return bool(fine)

    def attempt(self, step, work, *given):
        """Does one thing. If it is refused, or so malformed that it cannot be done, that is a fault of the step. None then."""
        try:
            return work(*given)
        except Exception as wrong:  # hostile input may break anything; it never ends in a traceback
            self.bad(step, wrong if isinstance(wrong, Refused) else f"not in its form ({type(wrong).__name__}: {wrong})")
            return None

    def read(self, path, most=MIB):
        need(path in self.bag and self.bag[path][0] <= most, f"{path} is missing, or longer than it may be")
        return self.bag[path][1]()

    def under(self, folder, ending=""):
        """The payload files of a folder: name -> path."""
        paths = [p for p in sorted(self.payload) if whole(OTHERS, p) and p.startswith(folder) and p.endswith(ending)]
        return {path[len(folder):len(path) - len(ending)]: path for path in paths}

    def everything(self):
        """The steps in the order in which each rests on those before. Gives the reason for which it stopped, if it did."""
        self.payload = {p: found for p, found in self.bag.items() if p.startswith("data/") and found[2]}
        self.files()
        self.attempt("1.3", self.declaration)
        self.attempt("1.4", self.manifest)
        self.attempt("1.6", self.tag_manifest)
        self.info = self.attempt("1.7", self.bag_info)
        self.attempt("10.1", self.process)
        self.attempt("8.2", self.list_tables)
        self.part = self.attempt("7.1", self.read_part)
        self.anchor = self.attempt("2.1", self.read_anchor)
        if self.anchor is None:
            return "there is no trust anchor to judge by (step 2.1)"
        self.read_notes()
        self.checkpoints()
        self.attempt("3.1", self.walk)
        self.end_of_log()
        if self.part is None:
            return "the recipient's parts are refused (step 7.1)"
        self.issue = next((note for index, note in self.counted if index == self.part[1] and note.tag == "issue"), None)
        self.check("9.1", self.issue, f"entry {self.part[1]} is no issue note that counts")
        self.bag_of_issue()
        if self.issue:
            self.read_reports()
        self.attempt("7.6", self.openings)
        self.transcripts()
        self.attempt("10.1", self.process_addresses)
        self.block_digests()
        for digest in sorted(self.named_tables):
            self.check("8.3", digest in self.tables, f"table {digest} is not listed")
        if self.issue is None:
            return "there is no issue note to compare the reports with (step 9.1)"
        self.check_reports()
        return None

    # ---- 1 the bag (bundle.md) ----

    def files(self):
        folders = {path.split("/")[2] for path in self.bag if path.startswith("data/cirs/") and whole(OTHERS, path)}
        owed = FIXED | {f"data/cirs/{uin}/{name}" for uin in folders for name in ("cir.json", "notice.txt", "evidence.txt")}
        for path in sorted(owed | set(self.bag)):
            self.check("1.2", path in self.bag, f"{path} is missing")
            good = path in FIXED or whole(OTHERS, path) and all(int(n) < 2**64 for n in re.findall(r"(?<=[-/])[0-9]+(?=[./])", path))
            self.check("1.2", good, f"{path} is no file of a bundle")
            if path in self.bag and self.bag[path][2] is None:
                self.bad("1.5", f"{path} cannot be read")

    def declaration(self):
        if "bagit.txt" in self.bag:
            lines = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
            self.check("1.3", self.read("bagit.txt", 4096) == lines, "bagit.txt is not exactly the two lines")

    def manifest(self):
        if "manifest-sha256.txt" not in self.bag:
            return
        listed, last = set(), ""
        for line in lines_of(self.read("manifest-sha256.txt", 32 * MIB), "the manifest"):
            match = whole(rf"({HEX}{{64}})  (.+)", line)
            if not self.check("1.4", match, f"a line is not a digest, two spaces and a path: {line[:99]!r}"):
                continue
            digest, path = match.groups()
            self.check("1.4", last < path, f"{path[:99]!r} is not in order")
            if self.check("1.4", path in self.payload, f"{path[:99]!r} is listed and is no payload file"):
                self.check("1.5", self.payload[path][2] == digest, f"{path} has the SHA-256 {self.payload[path][2]}")
            listed.add(path)
            last = path
        for path in sorted(set(self.payload) - listed):
            self.bad("1.4", f"{path} is not listed")

    def tag_manifest(self):
        if "tagmanifest-sha256.txt" in self.bag:
            names = [name for name in ("bag-info.txt", "bagit.txt", "manifest-sha256.txt") if name in self.bag]
            lines = "".join(f"{self.bag[name][2]}  {name}\n" for name in names)
            good = self.read("tagmanifest-sha256.txt", 4096) == lines.encode()
            self.check("1.6", good, "tagmanifest-sha256.txt is not exactly the digests of the other three")

    def bag_info(self):
        """Day and identifier, which are compared once the issue is known."""
        if "bag-info.txt" not in self.bag:
            return None
        self.counts["1.7"] += 1
        oxum = f"{sum(size for size, _, _ in self.payload.values())}.{len(self.payload)}"
        form = rf"Bag-Software-Agent: affiant {LINE}\nBagging-Date: (.{{10}})\nExternal-Identifier: {LINE}\nPayload-Oxum: {LINE}\n"
        match = re.fullmatch(form, self.read("bag-info.txt", 4096).decode())
        good = match and day(match.group(2)) and match.group(4) == oxum
        self.check("1.7", good, f"bag-info.txt is not the four lines in their order with the Payload-Oxum {oxum}")
        return (match.group(2), match.group(3)) if good else None

    def bag_of_issue(self):
        if self.info and self.issue:
            self.check("1.7", self.info[0] == self.issue.says["at"][:10], "bag-info.txt: the day is not that of the issue note")
            identifier = f"{self.log}/{self.part[1]}/{self.part[0]}"
            self.check("1.7", self.info[1] == identifier, f"bag-info.txt: the identifier is not {identifier}")

    # ---- 10 the process report (process-report.md) ----

    def process(self):
        self.counts["10.1"] += 1
        report = fits("document", parse_json(self.read("data/process-report.json", 64 * MIB)))
        need([section["number"] for section in report["sections"]] == list(range(1, 17)), "not the sixteen sections")
        need(report["notices"], "page one has no notice")
        html = self.read("data/process-report.html", 1 << 30)
        need(html[:15].lower().startswith(b"<!doctype html"), "process-report.html is no HTML document")
        if "data/process-report.pdf" in self.bag:
            need(self.read("data/process-report.pdf", 1 << 30).startswith(b"%PDF-"), "process-report.pdf is no PDF document")

    def process_addresses(self):
        for path in ("data/process-report.json", "data/process-report.html"):
            text = self.read(path, 64 * MIB).decode("utf-8", "replace")
            found = {as_address(word.rstrip(".:")) for word in set(re.split(r"[^0-9A-Fa-f.:\[\]]+", text))} - {None}
            self.check("10.1", not {str(ip) for ip, _ in found} & self.peers, f"{path} holds the address of a peer")


def verdict(bundle, anchor_sha256, checkpoint):
    check = Check(anchor_sha256, checkpoint)
    try:
        check.bag = open_bag(bundle)
        check.counts["1.1"] = len(check.bag)
    except Refused as wrong:
        check.bad("1.1", wrong)
        stopped = "the list of files is refused (step 1.1)"
    else:
        stopped = check.everything()
    steps = []
    for number, name in STEPS:
        faults = check.faults[number]
        if faults:
            result, why = "fail", faults[0]
        elif number in check.skips:
            result, why = "skipped", check.skips[number]
        elif number in check.warnings:
            result, why = "warn", check.warnings[number]
        elif stopped and not check.counts[number]:
            result, why = "skipped", stopped
        else:
            result, why = "pass", check.told if number == "7.2" else "holds" if check.counts[number] else "nothing to check"
        steps.append({"count": check.counts[number], "faults": faults[:20], "faults_total": len(faults), "name": name,
                      "number": number, "result": result, "why": why})
    valid = stopped is None and all(step["result"] != "fail" for step in steps)
    return {"format": "affiant.verdict/1", "leaves": len(check.leaves), "log": check.log, "recipient": check.part and check.part[0],
            "reports": len(check.reports), "state": check.state, "steps": steps, "valid": valid}


def main():
    options = argparse.ArgumentParser(description="Checks a bundle by the steps of verify.md.")
    options.add_argument("bundle", help="a bundle's folder or its .zip")
    options.add_argument("--anchor-sha256", metavar="HEX", type=str.lower, help="digest of the anchor, had from elsewhere")
    options.add_argument("--newer-checkpoint", metavar="FILE", help="a checkpoint of the same log, had from elsewhere")
    options.add_argument("--json", action="store_true", help="the verdict as JSON (schemas/verdict.json)")
    given = options.parse_args()
    if given.anchor_sha256 is not None and not whole(HEX + "{64}", given.anchor_sha256):
        options.error("--anchor-sha256 takes 64 hexadecimal digits")
    try:
        checkpoint = None
        if given.newer_checkpoint is not None:
            with open(given.newer_checkpoint, "rb") as file:
                checkpoint = file.read(MIB)
        found = verdict(given.bundle, given.anchor_sha256, checkpoint)
    except (OSError, NoBundle) as wrong:
        print(f"verify.py: {wrong}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps(found, indent=2, sort_keys=True))
    else:
        for step in found["steps"]:  # what hostile files say is shown as ASCII
            print(f"{step['number']:>5}  {step['result']:<8} {step['name']}: {ascii(step['why'])[1:-1]}")
        print(f"\n{'VALID' if found['valid'] else 'NOT VALID'} ({found['state']}): {found['leaves']} leaves, "
              f"{found['reports']} reports, log {found['log']}, recipient {found['recipient']}")
    return 0 if found["valid"] else 1


if __name__ == "__main__":
    sys.exit(main())
