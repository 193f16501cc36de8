"""Steps 2 to 6: the trust anchor, the checkpoints, and one walk over the log in its order (notes.md, leaf.md, checkpoint.md)."""
import hashlib
import re

from .bag import MIB
from .ed25519 import Key
from .forms import HEX, NUMBER, canonical, day, fits, is_utf8, key_id, lines_of, need, seconds, sha, signed, unbase64, whole

LEAF = re.compile(rf"affiant\.leaf/1 ({HEX}{{16}}) ({NUMBER}) ({HEX}{{64}}) (as({NUMBER})|audit|ctl) ({HEX}{{64}}) ({HEX}{{128}})\n")
SIGNERS = {"delegation": "root", "revoke": "root", "close": "root", "erase": "erasure", "withhold": "analyst",
           "mandate": "analyst", "dossier": "analyst", "approval": "analyst", "issue": "analyst"}
LINE = r"(\S(?:[^\n]*\S)?)"
TEXTS = {  # the notes that are no JSON
    "delegation": rf"role (worker|registrar|analyst|erasure)\n(?:holder {LINE}\n)?key ed25519 ({HEX}{{64}})\nkid ({HEX}{{16}})\n"
                  rf"serial ({NUMBER})\nnot-before ([^\n]+)\nnot-after ([^\n]+)\n",
    "revoke": rf"kid ({HEX}{{16}})\nfrom-index ({NUMBER})\nreason {LINE}\n",
    "close": rf"size ({NUMBER})\n((?:final {HEX}{{16}} {NUMBER}\n)*)",
    "erase": rf"index ({NUMBER})\nleaf ({HEX}{{64}})\nbasis {LINE}\n"}


class Note:
    """A control note in its form. What it says counts only once the log, its key and its signature agree."""

    def __init__(self, data):
        self.sha, self.holder = sha(data), None
        self.text, signatures = signed(data)
        need(len(signatures) == 1, "a control note carries exactly one signature")
        self.name, self.id, self.signature = signatures[0]
        first, _, body = self.text.partition(b"\n")
        self.tag = first.decode()[len("affiant."):-len("/1")]
        need(first == f"affiant.{self.tag}/1".encode() and self.tag in SIGNERS, f"the tag {first[:60]} does not exist")
        if self.tag not in TEXTS:
            need(body.endswith(b"\n"), "the text does not end with a line feed")
            self.says = fits(self.tag, canonical(body[:-1]))
            return
        match = re.fullmatch(TEXTS[self.tag], body.decode())
        need(match, "the text is not in its one form")
        self.says = match.groups()
        if self.tag == "delegation":
            self.role, self.holder, key, self.kid, serial, start, end = self.says
            self.serial, self.key, self.window = int(serial), Key(bytes.fromhex(key)), (seconds(start), seconds(end))
            need(self.key.kid == self.kid and self.window[0] < self.window[1], "the kid or the window")
            need((self.holder is None) == (self.role in ("worker", "registrar")), "a holder for a person's key and no other")
        if self.tag == "close":
            self.finals = [tuple(line.split(" ")[1:]) for line in self.says[1].split("\n")[:-1]]
            need(all(a[0] < b[0] for a, b in zip(self.finals, self.finals[1:])), "the keys do not ascend")


def verifier_key(text, kind):
    match = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+([^\s]{44})", text)
    need(match, "a key that is not name+id+base64")
    name, raw = match.group(1), unbase64(match.group(3))
    key = Key(raw[1:])
    need(raw[0] == kind and key_id(name, kind, raw[1:]).hex() == match.group(2), f"the type or the id of the key {name}")
    need(key.good, f"the key {name} is weak or none")
    return name, bytes.fromhex(match.group(2)), key


class Log:
    """What is read here is kept in `leaves`, `hashes`, `keys`, `counted` (the notes that count), `erased` and `withheld`."""

    # ---- 2 the trust anchor (notes.md) ----

    def read_anchor(self):
        data = self.read("data/trust/anchor.txt", 64 << 10)
        if self.anchor_sha256 is None:
            self.warn("2.2", f"no digest was given: whoever made the bundle then also chose the keys; it is {sha(data)}")
        else:
            self.check("2.2", sha(data) == self.anchor_sha256, f"its SHA-256 is {sha(data)}, not the one given")
        lines = [line.partition(" ")[::2] for line in lines_of(data, "the anchor")]
        words, values = " ".join(word for word, _ in lines), [value for _, value in lines]
        need(whole(r"affiant\.anchor/1 root log quorum( witness)*( tsa)*", words) and values[0] == "", "the lines and their order")
        count = words.count(" witness")
        root, log = verifier_key(values[1], 1), verifier_key(values[2], 1)
        witnesses, authorities = [verifier_key(value, 4) for value in values[4:4 + count]], values[4 + count:]
        prefix = root[0][:-len("root")]
        need(root[0] == prefix + "root" and prefix.endswith("/") and len(prefix) > 1, "root's key is not called <name>/root")
        need(log[0].startswith(prefix) and whole(r"[0-9]{4}-(0[1-9]|1[0-2])", log[0][len(prefix):]) and day(log[0][-7:] + "-01"),
             "the log's key is not called <name>/<YYYY-MM>")
        need(whole(NUMBER, values[3]) and int(values[3]) <= count, "the quorum is no number, or more than there are witnesses")
        need(all(whole(HEX + "{64}", x) for x in authorities) and len(set(authorities)) == len(authorities), "the authorities")
        keys = {key.raw for _, _, key in [root, log] + witnesses}
        need(len(keys) == 2 + count, "a key serves twice")
        self.root, self.log_key, self.witnesses, self.quorum, self.prefix = root, log, witnesses, int(values[3]), prefix
        self.log, self.counts["2.1"] = log[0], len(keys)
        return keys

    # ---- 5 checkpoints (checkpoint.md) ----

    def judge(self, data):
        """Size, root and witness times of a checkpoint."""
        need(len(data) <= 32 << 10, "a checkpoint of more than 32 KiB")
        text, signatures = signed(data)
        lines = lines_of(text, "the checkpoint")
        need(len(lines) == 3 and lines[0] == self.log and whole(NUMBER, lines[1]) and int(lines[1]) < 2**63, "its three lines")
        size, root = int(lines[1]), unbase64(lines[2])
        need(len(root) == 32 and (size > 0 or root == hashlib.sha256(b"").digest()), "its root")
        name, number, signature = signatures[0]
        need((name, number) == self.log_key[:2] and self.log_key[2].verify(signature, text), "the first signature is not the log's")
        known, times = {witness[:2]: witness[2] for witness in self.witnesses}, []
        for name, number, raw in signatures[1:]:
            need((name, number) in known and len(raw) == 72, f"{name} is no witness of the anchor")
            stamp = int.from_bytes(raw[:8], "big")
            need(known[name, number].verify(raw[8:], b"cosignature/v1\ntime %d\n" % stamp + text), f"the signature of {name}")
            times.append(stamp)
        return size, root, times

    def checkpoints(self):
        self.stated, self.newer = {}, None
        for name, path in self.under("data/shard/checkpoints/", ".txt").items():
            self.counts["5.1"] += 1
            judged = self.attempt("5.1", lambda: self.judge(self.read(path, 32 << 10)))
            if judged and self.check("5.1", str(judged[0]) == name, f"{path} is the checkpoint of size {judged[0]}"):
                enough = len(judged[2]) >= self.quorum
                if self.quorum:
                    self.check("5.3", enough, f"{path}: {len(judged[2])} witnesses of {self.quorum}")
                self.stated[judged[0]] = (judged[1], min(judged[2], default=None) if enough else None)
        if self.quorum == 0:
            self.warn("5.3", "the anchor asks for no witness: no outsider vouches for the time or the completeness of the log")
        if self.given is None:
            self.skips["5.4"] = "no checkpoint was given; one had from the log or a witness shows leaves left out at the end"
        else:
            self.newer = self.attempt("5.4", self.judge, self.given)

    # ---- 3 leaves, 4 control notes, 5.2 roots: one walk over the log in its order (leaf.md, notes.md) ----

    def read_notes(self):
        self.notes, total = {}, 0
        for name, path in self.under("data/shard/control/", ".note").items():
            self.counts["4.2"] += 1
            total += self.bag[path][0]
            if total > 256 * MIB:
                self.bad("4.2", "more than 256 MiB of control notes")
                break
            self.notes[int(name)] = (self.bag[path][2], self.attempt("4.2", lambda: Note(self.read(path))))
        self.revoked = {}  # root's word, wherever in the log it stands
        for _, note in self.notes.values():
            if note and note.tag == "revoke" and self.by_root(note):
                self.revoked[note.says[0]] = min(int(note.says[1]), self.revoked.get(note.says[0], 2**64))

    def by_root(self, note):
        return (note.name, note.id) == self.root[:2] and self.root[2].verify(note.signature, note.text)

    def walk(self):
        self.keys, self.last_of, self.next_of, self.serial, self.stack = {}, {}, {}, 0, []
        self.counted, self.erased, self.withheld, self.used, self.close, self.unwitnessed = [], {}, {}, set(), None, 0
        self.sizes, self.size = sorted(self.stated), 0
        self.compare_root()
        data, start = self.read("data/shard/leaves.txt", 1 << 30), 0
        while start < len(data):
            end = data.find(b"\n", start, start + 340) + 1
            if not self.check("3.1", end, f"line {self.size + 1} is longer than a leaf, or has no end; the rest was not read"):
                break
            line, start = data[start:end], end
            if not self.check("3.1", is_utf8(line), f"line {self.size + 1} is not UTF-8; the rest was not read"):
                break
            match = LEAF.fullmatch(line.decode("latin-1"))
            good = match and int(match.group(2)) < 2**64 and int(match.group(5) or 0) < 2**32
            self.check("3.1", good, f"line {self.size + 1} is not a leaf in its one form")
            self.hashes.append(hashlib.sha256(b"\0" + line).digest())
            kid, seq, prev, part, _, commitment, signature = match.groups() if good else (None,) * 7
            self.leaves.append((kid, int(seq), part, commitment) if good else None)
            if good:
                message = line[:line.rindex(b" ")] + b"\n"
                self.take(self.size, kid, int(seq), prev, part, commitment, bytes.fromhex(signature), message)
            node = (1, self.hashes[-1])  # the full subtrees so far, the largest first
            while self.stack and self.stack[-1][0] == node[0]:
                node = (2 * node[0], hashlib.sha256(b"\1" + self.stack.pop()[1] + node[1]).digest())
            self.stack.append(node)
            self.size += 1
            self.compare_root()

    def compare_root(self):
        newer = self.newer and self.newer[0] == self.size
        if self.size not in self.stated and not newer:
            return
        root = self.stack[-1][1] if self.stack else hashlib.sha256(b"").digest()
        for _, left in reversed(self.stack[:-1]):
            root = hashlib.sha256(b"\1" + left + root).digest()
        if self.size in self.stated:
            self.check("5.2", self.stated[self.size][0] == root, f"the first {self.size} leaves have another root than stated")
        if newer:
            self.check("5.4", self.newer[1] == root, f"the first {self.size} leaves have another root than the checkpoint given")

    def take(self, index, kid, seq, prev, part, commitment, signature, message):
        while self.sizes and self.sizes[0] <= index:
            self.sizes.pop(0)
        self.time = self.stated[self.sizes[0]][1] if self.sizes else None
        if self.close is not None:
            self.bad("6.2", f"leaf {index} follows the close note")
        if index == 0 and part == "ctl":  # the first registrar signs the leaf of its own delegation
            self.take_note(index, commitment)
        self.take_key(index, kid, seq, prev, part, signature, message)
        if part == "ctl" and index:
            self.take_note(index, commitment)
        if part != "ctl" and index in self.notes:
            self.bad("4.1", f"there is a note for leaf {index}, which is no ctl leaf")

    def take_key(self, index, kid, seq, prev, part, signature, message):
        key = self.keys.get(kid)
        self.check("3.3", self.revoked.get(kid, 2**64) > index, f"leaf {index}: the key {kid} is revoked there")
        if not self.check("3.3", key, f"leaf {index}: the key {kid} is not delegated there"):
            return
        role = "registrar" if part == "ctl" else "worker"
        self.check("3.3", key.role == role, f"leaf {index}: the key of a {key.role} does not sign leaves of part {part}")
        self.check("3.2", seq == self.next_of[kid], f"leaf {index}: seq {seq} where {self.next_of[kid]} follows")
        self.check("3.2", prev == self.last_of[kid], f"leaf {index}: prev is not the key's leaf or delegation before")
        self.next_of[kid], self.last_of[kid] = seq + 1, self.hashes[index].hex()
        self.check("3.4", key.key.verify(signature, message), f"leaf {index}: the signature is not its key's")
        if self.time is None:
            self.unwitnessed += 1
        else:
            self.in_window(index, key)

    def in_window(self, index, key):
        within = key.window[0] <= self.time < key.window[1]
        self.check("3.5", within, f"entry {index}: a witness first saw it outside the window of the key {key.kid}")

    def take_note(self, index, commitment):
        digest, note = self.notes.get(index, (None, None))
        if not self.check("4.1", digest == commitment, f"the control note of leaf {index} is missing, or another") or note is None:
            return
        if SIGNERS[note.tag] == "root":
            good = self.by_root(note)
        else:
            kid = note.name.rpartition("/")[2]
            key = self.keys.get(kid)
            good = key and note.name == f"{self.prefix}{SIGNERS[note.tag]}/{kid}" and key.role == SIGNERS[note.tag] and \
                self.revoked.get(kid, 2**64) > index and note.id == key_id(note.name, 1, key.key.raw) and \
                key.key.verify(note.signature, note.text)
            if good:
                note.holder = key.holder
                if self.time is not None:
                    self.in_window(index, key)
        if self.check("4.3", good, f"note {index} ({note.tag}) is not signed by a key that may sign it there"):
            getattr(self, "take_" + note.tag, lambda *_: None)(index, note)
            self.counted.append((index, note))

    def take_delegation(self, index, note):
        faults = [why for fine, why in (
            (note.key.good and note.key.raw not in self.anchor, "a weak key, or one of the anchor's"),
            (note.kid not in self.keys, "a key that was delegated before"),
            (note.serial == self.serial + 1 or index == 0 and note.serial > 0, f"serial {note.serial} after {self.serial}"),
            (index > 0 or note.role == "registrar", "leaf 0 does not delegate a registrar")) if not fine]
        if self.check("4.4", not faults, f"delegation {index}: {', '.join(faults)}"):
            note.index = index
            self.keys[note.kid], self.serial, self.last_of[note.kid], self.next_of[note.kid] = note, note.serial, note.sha, 0

    def take_revoke(self, index, note):
        self.check("4.5", note.says[0] in self.keys, f"revoke note {index}: the key was never delegated")

    def take_close(self, index, note):
        if self.close is None:
            self.close = (index, note)

    def take_erase(self, index, note):
        at = int(note.says[0])
        fine = at < index and self.leaves[at] and self.leaves[at][2] != "ctl" and self.hashes[at].hex() == note.says[1]
        if self.check("4.5", fine, f"erase note {index}: no such leaf below it that commits to an opening"):
            self.erased[at] = index

    def take_withhold(self, index, note):
        indices = [each["index"] for each in note.says["withheld"]]
        self.check("4.5", all(a < b for a, b in zip(indices, indices[1:])), f"withhold note {index}: not ascending")
        for at in indices:
            fine = at < index and self.leaves[at] and self.leaves[at][2].startswith("as")
            if self.check("4.5", fine, f"withhold note {index}: leaf {at} is no served observation's below it"):
                self.withheld.setdefault(at, index)

    def take_approval(self, index, note):
        known = any(n.tag == "dossier" and n.sha == note.says["dossier_note_sha256"] for _, n in self.counted)
        self.check("4.5", known, f"approval {index}: no such dossier was logged before")

    def take_issue(self, index, note):
        uins = [report["uin"] for report in note.says["reports"]]
        self.check("4.5", all(a < b for a, b in zip(uins, uins[1:])), f"issue note {index}: not in order of UIN, or one twice")
        for uin in uins:
            self.check("9.4", uin not in self.used, f"issue note {index}: {uin} was used before")
            self.used.add(uin)

    # ---- 6 completeness (bundle.md) ----

    def end_of_log(self):
        for index in sorted(self.notes):
            if index >= self.size:
                self.bad("4.1", f"there is a note for leaf {index}, but there are only {self.size} leaves")
        for size in sorted(self.stated):
            if size > self.size:
                self.bad("5.2", f"a checkpoint covers {size} leaves, of which only {self.size} are here")
        if self.newer and self.newer[0] > self.size:
            self.bad("5.4", f"the log had {self.newer[0]} leaves, the bundle has only {self.size}")
        self.check("6.1", max(self.stated, default=None) == self.size, f"the last checkpoint does not cover all {self.size} leaves")
        if self.unwitnessed:
            self.warn("3.5", f"{self.unwitnessed} leaves are covered by no cosigned checkpoint: nobody outside vouches for the time")
        self.state = "complete" if self.close else "interim"
        if self.close is None:
            self.warn("6.2", "interim: leaves may follow, and only a newer checkpoint can tell whether they did")
            return
        index, note = self.close
        self.check("6.2", int(note.says[0]) == index + 1, f"the close note at {index} says {note.says[0]} leaves")
        finals = sorted((kid, str(n)) for kid, n in self.next_of.items() if n)
        self.check("6.2", note.finals == finals, "the close note does not give the leaves that each key signed")
