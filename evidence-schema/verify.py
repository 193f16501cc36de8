#!/usr/bin/env python3
"""Checks a bundle by the numbered steps of verify.md. Written from the pages of this folder alone, to be read in an hour.
verify.py BUNDLE [--anchor-sha256 HEX] [--checkpoint FILE] [--json]; exits 0 if valid, 1 if not, 2 if it could not be read.
Needs Python 3.9 and this folder's schemas/; the package `cryptography`, if there, makes the signatures faster."""
import argparse, base64, datetime, hashlib, ipaddress, json, os, re, stat, struct, sys, zlib  # noqa: E401
from collections import Counter, defaultdict
try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except Exception:  # the built-in code below then does all
    Ed25519PublicKey = None
HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "verify.md"), encoding="utf-8") as page:
    STEPS = dict(re.findall(r"^### (\d+\.\d+) (.+)$", page.read(), re.MULTILINE))
MIB, NUMBER, HEX = 1 << 20, r"(0|[1-9]\d{0,19})", r"[0-9a-f]"
sha = lambda data: hashlib.sha256(data).hexdigest()  # noqa: E731
whole = lambda pattern, text: re.fullmatch(pattern, text, re.ASCII)  # noqa: E731
class Refused(Exception):
    """Something is not as the pages say; the text says what."""
def need(holds, why):
    if not holds: raise Refused(why)
class Verdict:
    """What each step found: its faults, its warnings, why it was not done, and how many things it looked at."""
    def __init__(self):
        self.faults, self.warnings, self.skips, self.counts = (defaultdict(list), defaultdict(list), {}, Counter())
    def bad(self, step, why): self.faults[step].append(str(why)[:400])
    def warn(self, step, why): self.warnings[step].append(why)
    def check(self, step, holds, why):
        if not holds: self.bad(step, why)
        return bool(holds)
    def result(self, step):
        if self.faults[step]: return "fail", self.faults[step][0]
        if step in self.skips: return "skipped", self.skips[step]
        return ("warn", self.warnings[step][0]) if self.warnings[step] else ("pass", "")
# ---- Ed25519, strictly: canonical encodings, s < L, no point of small order, the equation without the cofactor ----
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT, ZERO = -121665 * pow(121666, P - 2, P) % P, pow(2, (P - 1) // 4, P), (0, 1, 1, 0)
def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    return ((f - e) * (h - g) % P, (h + g) * (f + e) % P, (h - g) * (h + g) % P, (f - e) * (f + e) % P)
def point(raw):
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if (x * x - square) % P == 0 else x * ROOT % P
    if y >= P or (x * x - square) % P or (x == 0 and sign): return None
    return (P - x, y, 1, (P - x) * y % P) if x & 1 != sign else (x, y, 1, x * y % P)
def small(a):
    for _ in range(3): a = add(a, a)
    return a[0] == 0 and a[1] == a[2]
def table(a):  # the multiples 0 to 15 of a, 16a, 256a …: each product is then 64 additions
    rows = []
    for _ in range(64):
        row = [ZERO]
        while len(row) < 16: row.append(add(row[-1], a))
        rows, a = rows + [row], add(row[15], a)
    return rows
def product(rows, n):
    total = ZERO
    for row in rows: total, n = add(total, row[n & 15]), n >> 4
    return total
class Key:
    base = None
    def __init__(self, raw):
        self.raw, at = raw, point(raw)
        self.kid, self.good, self.rows = sha(raw)[:16], at is not None and not small(at), None
        if self.good: self.minus = (P - at[0], at[1], 1, P - at[3])
        self.fast = Ed25519PublicKey.from_public_bytes(raw) if self.good and Ed25519PublicKey else None
    def verify(self, signature, message):
        r, s = point(signature[:32]), int.from_bytes(signature[32:], "little")
        if not self.good or s >= L or r is None or small(r): return False
        if self.fast:
            try: return self.fast.verify(signature, message) is None
            except Exception: return False
        Key.base = Key.base or table(point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")))
        self.rows = self.rows or table(self.minus)
        k = int.from_bytes(hashlib.sha512(signature[:32] + self.raw + message).digest(), "little") % L
        x, y, z, _ = add(product(Key.base, s), product(self.rows, k))
        z = pow(z, P - 2, P)
        return (y * z % P | (x * z % P & 1) << 255).to_bytes(32, "little") == signature[:32]
# ---- text, JSON and schemas ----
def unbase64(text):
    raw = base64.b64decode(text, validate=True)
    need(base64.b64encode(raw).decode() == text, "base64 that is not in its one form")
    return raw
def lines_of(data, what):
    need(data.endswith(b"\n") and b"\r" not in data, f"{what} does not end with a line feed, or holds a carriage return")
    return data.decode("utf-8").split("\n")[:-1]
def no_twins(pairs):
    need(len({k for k, _ in pairs}) == len(pairs), "a member stands twice")
    return dict(pairs)
def refuse(text): raise Refused(f"{text[:40]} is not a plain integer")
def parse_json(data):
    return json.loads(data.decode("utf-8"), object_pairs_hook=no_twins, parse_float=refuse, parse_constant=refuse)
def canonical(data):
    value = parse_json(data)
    again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    need(again == data, "the JSON is not in its canonical form")
    return value
def ip(text, scheme=False):
    a = ipaddress.ip_address(text)
    mapped = a.version == 6 and a.ipv4_mapped
    need((f"::ffff:{mapped}" if mapped else str(a)) == text, f"{text[:60]} is not an address in its one form")
    return a
def endpoint(text):
    host, port = whole(r"\[?([^\[\]]+)\]?:(0|[1-9]\d{0,4})", text).groups()
    need(int(port) < 65536 and text == (f"[{host}]:{port}" if ":" in host else f"{host}:{port}"), "not an address and port")
    return ip(host), int(port)
def day(text): return datetime.date(int(text[:4]), int(text[5:7]), int(text[8:10]))
def moment(text): return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
def is_utf8(raw):
    try: return raw.decode("utf-8") is not None
    except UnicodeDecodeError: return False
EXTRA = {"endpoint": endpoint, "ip": ip, "date": day, "instant": lambda t: day(t),  # what a pattern cannot say
         "claimed": lambda t: need(isinstance(t, str) or not is_utf8(bytes.fromhex(t["hex"])), "hexadecimal of UTF-8")}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}
SCHEMAS = {}
def fits(name, value):
    if name not in SCHEMAS:
        with open(os.path.join(HERE, "schemas", name + ".json"), "rb") as file:
            SCHEMAS[name] = json.load(file)
    fit(SCHEMAS[name], value, SCHEMAS[name].get("$defs", {}), name)
    return value
def holds(schema, value, defs):
    try: fit(schema, value, defs, "")
    except (Refused, ValueError, AttributeError): return False
    return True
def fit(s, value, defs, at):
    if "$ref" in s:
        name = s["$ref"][8:]
        fit(defs[name], value, defs, at)
        if name in EXTRA: EXTRA[name](value)
        return
    for word, rule in s.items():
        if word == "type": ok = isinstance(value, TYPES[rule]) and (rule != "integer" or not isinstance(value, bool))
        elif word == "const": ok = value == rule and type(value) is type(rule)
        elif word == "enum": ok = isinstance(value, str) and value in rule
        elif word == "pattern": ok = whole(rule, value)
        elif word == "minimum": ok = value >= rule
        elif word == "maximum": ok = value <= rule
        elif word == "minItems": ok = len(value) >= rule
        elif word == "maxItems": ok = len(value) <= rule
        elif word == "anyOf": ok = any(holds(x, value, defs) for x in rule)
        elif word == "oneOf": ok = sum(holds(x, value, defs) for x in rule) == 1
        elif word == "required": ok = all(x in value for x in rule)
        elif word == "properties": ok = [fit(rule[k], v, defs, f"{at}.{k}") for k, v in value.items() if k in rule] is not None
        elif word == "items": ok = [fit(rule, v, defs, at + "[]") for v in value] is not None
        elif word == "additionalProperties":
            more = [k for k in value if k not in s.get("properties", {})]
            ok = [fit(rule, value[k], defs, f"{at}.{k}") for k in more] is not None if rule else not more
        else: ok = word in ("$schema", "$id", "$defs", "title", "description")
        need(ok, f"{at} does not fit the schema ({word})")
# ---- the bag, from a folder or an archive: path -> (size, how to read it), within limits before anything is unpacked ----
def good_path(path):
    need(whole(r"[A-Za-z0-9._/-]{1,200}", path) and not {"", ".", ".."} & set(path.split("/")), f"path {path[:80]!r}")
    return path
def from_disk(full, size):
    with open(full, "rb") as file: data = file.read(size + 1)
    need(len(data) == size, f"{full} changed while it was read")
    return data
def open_folder(root):
    entries = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            full = os.path.join(folder, name)
            info = os.lstat(full)
            path = good_path(os.path.relpath(full, root).replace(os.sep, "/"))
            need(stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode), f"{path} is a link or a special file")
            if stat.S_ISREG(info.st_mode): entries[path] = (info.st_size, lambda f=full, n=info.st_size: from_disk(f, n))
            need(len(entries) <= 100_000, "more than 100,000 files")
    return entries
def zip64(extra, fields):  # what did not fit 32 bits stands in the one extra field, of kind 1
    more = [i for i, field in enumerate(fields) if field == 0xFFFFFFFF]
    need(len(extra) == (8 * len(more) + 4 if more else 0), "an extra field in the archive")
    if more:
        kind, length, *values = struct.unpack(f"<HH{len(more)}Q", extra)
        need((kind, length) == (1, 8 * len(more)), "an extra field in the archive")
        for i, value in zip(more, values): fields[i] = value
    return fields
def inflate(file, at, packed, size, method, crc):
    file.seek(at)
    data = file.read(packed)
    if method == 8:
        engine = zlib.decompressobj(-15)
        data = engine.decompress(data, size + 1)
        need(engine.eof and not engine.unused_data and not engine.unconsumed_tail, "an entry is longer than it says")
    need(len(data) == size and zlib.crc32(data) == crc, "an entry of the archive is damaged")
    return data
def open_zip(file):
    end = file.seek(0, 2) - 22
    file.seek(max(end, 0))
    magic, *disks, count, total, length, start, comment = struct.unpack("<IHHHHIIH", file.read(22))
    need(magic == 0x06054b50 and disks == [0, 0] and count == total and comment == 0, "no archive, or bytes after it")
    file.seek(max(end - 20, 0))
    if file.read(4) == b"PK\6\7":
        file.seek(end - 76)
        magic, _, _, _, *disks, count, total, length, start = struct.unpack("<IQHHIIQQQQ", file.read(56))
        need(magic == 0x06064b50 and disks == [0, 0] and count == total, "the record at the archive's end")
        end -= 76
    need(start + length == end and count <= 100_000, "the directory is not directly before the last record, or is too long")
    file.seek(start)
    directory, entries, at, last = file.read(length), {}, 0, ""
    for _ in range(count):
        (magic, made, version, flags, method, date, crc, packed, size, n, x, c, disk, _, attributes, offset) = \
            struct.unpack("<IHHHHIIIIHHHHHII", directory[:46])
        path = good_path(directory[46:46 + n].decode("ascii"))
        size, packed, offset = zip64(directory[46 + n:46 + n + x], [size, packed, offset])
        directory = directory[46 + n + x:]
        need(magic == 0x02014b50 and flags in (0, 0x800) and method in (0, 8) and date == 0x00210000 and c == disk == 0
             and (attributes >> 28) in (0, 8) and not attributes & 0x10, f"entry {path}: a method, date, flag or kind of file")
        need(path > last and offset == at, f"entry {path}: not in order, or not directly after the one before")
        file.seek(offset)
        local = struct.unpack("<IHHHIIIIHH", file.read(30))
        name, extra = file.read(local[8]), file.read(local[9])
        same = local[:7] == (0x04034b50, version, flags, method, date, crc) + local[6:7] and name == path.encode()
        need(same and zip64(extra, [local[7], local[6]]) == [size, packed], f"entry {path}: its local header says otherwise")
        need(size <= MIB or size <= 200 * packed, f"entry {path}: unpacks to more than 200 times its size")
        data = offset + 30 + local[8] + local[9]
        at, last = data + packed, path
        entries[path] = (size, lambda a=(file, data, packed, size, method, crc): inflate(*a))
    need(at == start and not directory, "bytes between the entries and the directory")
    return entries
def open_bag(where):
    entries = open_folder(where) if os.path.isdir(where) else open_zip(open(where, "rb"))
    sizes = {path: size for path, (size, _) in entries.items()}
    need(len(sizes) <= 100_000 and sum(sizes.values()) <= 8 << 30, "more than 100,000 files, or than 8 GiB")
    need(max(sizes.values(), default=0) <= 1 << 30, "a file of more than 1 GiB")
    need(sum(n for p, n in sizes.items() if p.startswith("data/shard/control/")) <= 256 * MIB, "more than 256 MiB of notes")
    return {path: (size, read, sha(read())) for path, (size, read) in entries.items()}
FIXED = {"bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt", "data/README.txt", "data/trust/anchor.txt",
         "data/shard/leaves.txt", "data/recipient/part.txt", "data/recipient/openings.txt", "data/tables/tables.txt",
         "data/process-report.json", "data/process-report.html"}
OTHERS = rf"data/(shard/checkpoints/{NUMBER}\.txt|shard/control/{NUMBER}\.note|recipient/transcripts/{HEX}{{64}}|tables/{HEX}{{64}}|" \
         rf"cirs/\d{{6}}-{HEX}{{8}}-{NUMBER}/(cir\.json|notice\.txt|evidence\.txt)|process-report\.pdf)"
ROLES = "worker|registrar|analyst|erasure"
WHEN = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
TEXTS = {"delegation": rf"role ({ROLES})\n(?:holder ([^\n]+)\n)?key ed25519 ({HEX}{{64}})\nkid ({HEX}{{16}})\nserial {NUMBER}\n"
                       rf"not-before {WHEN}\nnot-after {WHEN}\n", "revoke": rf"kid ({HEX}{{16}})\nfrom-index {NUMBER}\nreason ([^\n]+)\n",
         "close": rf"size {NUMBER}\n((?:final {HEX}{{16}} {NUMBER}\n)+)", "erase": rf"index {NUMBER}\nleaf ({HEX}{{64}})\nbasis ([^\n]+)\n"}
SIGNERS = dict.fromkeys(("delegation", "revoke", "close"), "root")
SIGNERS.update(erase="erasure", **dict.fromkeys(("withhold", "mandate", "dossier", "approval", "issue"), "analyst"))
class Note:
    """A control note: `says` is its JSON or the fields of its text; `counts` once its signature, its key and its leaf are right."""
    def __init__(self, data):
        self.sha, self.counts, self.holder, self.kid = sha(data), False, None, None
        text, (signature,) = signed(data)
        self.text, (self.name, self.id, self.signature) = text, signature
        need(len(self.signature) == 64, "a signature of another length")
        first, _, body = text.partition(b"\n")
        self.tag = first.decode()[8:-2]
        need(first.decode() == f"affiant.{self.tag}/1" and self.tag in SIGNERS, f"the tag {first[:60]} does not exist")
        if self.tag not in TEXTS:
            need(body.endswith(b"\n"), "no line feed")
            self.says = fits(self.tag, canonical(body[:-1]))
            return
        match = whole(TEXTS[self.tag], body.decode())
        need(match, "the text is not in its one form")
        self.says = match.groups()
        if self.tag == "delegation":
            role, holder, key, kid, serial, start, end = self.says
            self.key = Key(bytes.fromhex(key))
            need(self.key.kid == kid and (holder is None) == (role in ("worker", "registrar")), "the kid or the holder")
            need(when(start) < when(end), "the window is empty")
        if self.tag == "close":
            self.finals = [tuple(x.split(" ")[1:]) for x in self.says[1].split("\n")[:-1]]
            need(all(a[0] < b[0] for a, b in zip(self.finals, self.finals[1:])), "the keys do not ascend")
def when(text): return int(datetime.datetime.strptime(text + "+0000", "%Y-%m-%dT%H:%M:%SZ%z").timestamp())
def signed(data):  # a C2SP signed note: its text and (name, key id, signature) of each signature
    need(not re.search(r"[\x00-\x09\x0b-\x1f]", data.decode("utf-8")), "a control character")
    text, found, below = data.rpartition(b"\n\n")
    need(found, "no blank line before the signatures")
    matches = [whole(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)", line) for line in lines_of(below, "a note")]
    need(matches and all(matches), "a signature line that is none")
    blobs = [(m.group(1), unbase64(m.group(2))) for m in matches]
    return text + b"\n", [(name, raw[:4], raw[4:]) for name, raw in blobs]
def vkey(text, kind):
    name, key_id, packed = whole(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)", text).groups()
    raw = unbase64(packed)
    need(len(raw) == 33 and raw[0] == kind and sha(name.encode() + b"\n" + raw)[:8] == key_id, f"the key of {name}")
    key = Key(raw[1:])
    need(key.good, f"the key of {name} is weak or none")
    return name, bytes.fromhex(key_id), key
def tree_hash(left, right): return hashlib.sha256(b"\1" + left + right).digest()
class Check(Verdict):
    def __init__(self, bag, anchor_sha256, checkpoint):
        super().__init__()
        self.bag, self.anchor_sha256, self.given = bag, anchor_sha256, checkpoint
        self.anchor = self.part = self.log = self.issue = None
        self.leaves, self.notes, self.keys, self.revoked, self.times, self.sizes = [], {}, {}, {}, [], []
        self.state, self.reports = "unknown", {}
    def run(self, steps, work):
        """Does one part of the work. Whatever is refused there is a fault of the step it was done for."""
        self.at = steps
        try: work()
        except Exception as fault:
            self.bad(self.at, fault if isinstance(fault, Refused) else f"not in its form ({type(fault).__name__}: {fault})")
    def data(self, path):
        need(path in self.bag, f"{path} is missing")
        return self.bag[path][1]()
    def under(self, folder, ending=""):
        return {p[len(folder):len(p) - len(ending)]: p for p in self.bag if p.startswith(folder) and p.endswith(ending)}
    def all(self):
        for step, work in (("1.2", self.files), ("1.3", self.tag_files), ("2.1", self.trust), ("4.2", self.read_notes),
                           ("3.1", self.read_leaves), ("4.3", self.judge_notes), ("3.2", self.chains), ("5.1", self.checkpoints),
                           ("3.5", self.windows), ("4.5", self.references), ("6.2", self.closing), ("7.1", self.parts),
                           ("9.1", self.issued), ("7.2", self.openings), ("8.1", self.attachments), ("9.2", self.cirs),
                           ("10.1", self.process)):
            self.run(step, work)
    # ---- 1 the bag ----
    def files(self):
        cirs = {name.split("/")[0] for name in self.under("data/cirs/")}
        owed = FIXED | {f"data/cirs/{uin}/{name}" for uin in cirs for name in ("cir.json", "notice.txt", "evidence.txt")}
        for path in sorted(owed - set(self.bag)): self.bad("1.2", f"{path} is missing")
        for path in self.bag: self.check("1.2", path in FIXED or whole(OTHERS, path), f"{path[:99]} does not belong here")
        self.counts["1.2"] = len(self.bag)
    def tag_files(self):
        good = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
        self.check("1.3", self.data("bagit.txt") == good, "bagit.txt is not the two lines")
        self.at = "1.4"
        lines = [whole(rf"({HEX}{{64}})  ([ -~]+)", line).groups() for line in lines_of(self.data("manifest-sha256.txt"), "manifest")]
        paths, payload = [path for _, path in lines], {p for p in self.bag if p.startswith("data/")}
        self.check("1.4", all(a < b for a, b in zip(paths, paths[1:])), "the lines are not sorted, or one stands twice")
        for path in set(paths) ^ payload: self.bad("1.4", f"{path[:99]} is only in the {'bag' if path in payload else 'manifest'}")
        for digest, path in lines: self.check("1.5", path not in payload or self.bag[path][2] == digest, f"{path}: other bytes")
        self.at, names = "1.6", ("bag-info.txt", "bagit.txt", "manifest-sha256.txt")
        good = "".join(f"{sha(self.data(name))}  {name}\n" for name in names)
        self.check("1.6", self.data("tagmanifest-sha256.txt") == good.encode(), "not the digests of the three tag files")
        self.counts.update({"1.4": len(lines), "1.5": len(lines), "1.6": 3})
    # ---- 2 the trust anchor ----
    def trust(self):
        data = self.data("data/trust/anchor.txt")
        self.check("2.2", self.anchor_sha256 in (None, sha(data)), f"its SHA-256 is {sha(data)}")
        if not self.anchor_sha256: self.warn("2.2", "no digest was given: whoever made the bundle then also chose the keys")
        lines = lines_of(data, "the anchor")
        kinds = [line.split(" ")[0] for line in lines]
        need(whole(r"affiant\.anchor/1 root log quorum( witness)*( tsa)*", " ".join(kinds)), "the lines are not in their order")
        values = [line.partition(" ")[2] for line in lines]
        witnesses, tsa = values[4:4 + kinds.count("witness")], values[4 + kinds.count("witness"):]
        root, log, keys = vkey(values[1], 1), vkey(values[2], 1), [vkey(x, 4) for x in witnesses]
        need(whole(r"(?s).+/\d{4}-(0[1-9]|1[0-2])", log[0]) and root[0] == log[0][:-7] + "root", "the names of root and log")
        need(whole(NUMBER, values[3]) and int(values[3]) <= len(keys), "the quorum cannot be met")
        need(all(whole(HEX + "{64}", x) for x in tsa) and len(set(tsa)) == len(tsa), "the timestamp authorities")
        raws = {key.raw for _, _, key in [root, log] + keys}
        need(len(raws) == 2 + len(keys) == 2 + len({name for name, _, _ in keys}), "a key serves twice")
        self.anchor, self.log, self.counts["2.1"] = (root, log, keys, int(values[3]), raws), log[0], 2 + len(keys)
    # ---- 4 control notes, 3 leaves ----
    def read_notes(self):
        for name, path in self.under("data/shard/control/", ".note").items():
            self.run("4.2", lambda: self.notes.update({int(name): Note(self.data(path))}))
            self.counts["4.2"] += 1
    def read_leaves(self):
        self.hashes, self.last = [], defaultdict(list)
        shape = re.compile(rf"affiant\.leaf/1 ({HEX}{{16}}) {NUMBER} ({HEX}{{64}}) (as{NUMBER}|audit|ctl) ({HEX}{{64}}) ({HEX}{{128}})")
        lines = lines_of(self.data("data/shard/leaves.txt"), "leaves.txt")
        for i, line in enumerate(lines):
            m = shape.fullmatch(line)
            need(m and int(m.group(2)) < 2**64 and int(m.group(5) or 0) < 2**32, f"leaf {i} is not in its one form")
            self.leaves.append((m.group(1), int(m.group(2)), m.group(3), m.group(4), m.group(6), m.group(7)))
            self.hashes.append(hashlib.sha256(b"\0" + line.encode() + b"\n").digest())
        self.counts["3.1"] = len(lines)
    def may(self, kid, roles, index, at_most):  # the delegation under which a key signed there, or None
        d = self.keys.get(kid)
        return d if d and d.role in roles and d.index <= at_most and self.revoked.get(kid, 2**64) > index else None
    def judge_notes(self):
        need(self.anchor, "without a trust anchor no signature can be checked")
        root, shaped, serial = self.anchor[0], sorted(self.notes.items()), 0
        ctl = {i: leaf[4] for i, leaf in enumerate(self.leaves) if leaf[3] == "ctl"}
        names = {int(n): p for n, p in self.under("data/shard/control/", ".note").items()}
        for i in sorted(set(names) | set(ctl)):
            here = i in names and i in ctl and self.bag[names[i]][2] == ctl[i]
            self.check("4.1", here, f"entry {i}: the note and the leaf do not belong together")
            if i in self.notes: self.notes[i].counts = here
        for index, note in shaped:
            by_root = SIGNERS[note.tag] == "root"
            good = by_root and note.name == root[0] and note.id == root[1] and root[2].verify(note.signature, note.text)
            if by_root: note.counts &= self.check("4.3", good, f"note {index} is not signed by root")
            if note.tag == "delegation":
                role, holder, _, kid, number, start, end = note.says
                serial += 1
                self.check("4.4", int(number) == serial, f"note {index}: serial {number} where {serial} is due")
                fresh = kid not in self.keys and note.key.good and note.key.raw not in self.anchor[4]
                self.check("4.4", fresh, f"note {index}: the key is weak, the anchor's, or was delegated before")
                note.index, note.role, note.who, note.span = index, role, holder, (when(start), when(end))
                if fresh and good: self.keys[kid] = note
            if note.tag == "revoke" and note.counts:
                self.revoked[note.says[0]] = min(int(note.says[1]), self.revoked.get(note.says[0], 2**64))
        for index, note in shaped:
            if SIGNERS[note.tag] == "root": continue
            prefix, role, kid = (note.name.rsplit("/", 2) + ["", ""])[:3]
            d = self.may(kid, (SIGNERS[note.tag],), index, index - 1)
            good = d and prefix + "/root" == root[0] and role == d.role and d.key.verify(note.signature, note.text) and \
                note.id.hex() == sha(note.name.encode() + b"\n\1" + d.key.raw)[:8]
            note.counts &= self.check("4.3", good, f"note {index} is not signed by a key of its role that counts there")
            if d: note.kid, note.holder = kid, d.who
        first = self.notes.get(0)
        self.check("4.4", first and first.tag == "delegation" and first.role == "registrar" and self.leaves
                   and self.leaves[0][0] == first.says[3], "leaf 0 is not the delegation of the registrar that signs it")
        self.counts.update({"4.1": len(ctl), "4.3": len(shaped), "4.4": len(self.keys)})
    def chains(self):
        count, before = Counter(), {}
        for i, (kid, seq, prev, part, commitment, signature) in enumerate(self.leaves):
            d = self.may(kid, ("registrar",) if part == "ctl" else ("worker",), i, i)
            due = before.get(kid) or (self.keys[kid].sha if kid in self.keys else None)
            self.check("3.2", seq == count[kid] and due in (None, prev), f"leaf {i}: not the next of its key, or another before it")
            self.check("3.3", d, f"leaf {i}: its key is not delegated for it there, or revoked")
            text = f"affiant.leaf/1 {kid} {seq} {prev} {part} {commitment}\n".encode()
            good = kid not in self.keys or self.keys[kid].key.verify(bytes.fromhex(signature), text)
            self.check("3.4", good, f"leaf {i}: the signature is not its key's")
            count[kid], before[kid] = count[kid] + 1, self.hashes[i].hex()
        self.signed_leaves = count
        self.counts.update({step: len(self.leaves) for step in ("3.2", "3.3", "3.4")})
    # ---- 5 checkpoints, 6 completeness ----
    def checkpoint(self, data):
        _, log, witnesses, quorum, _ = self.anchor
        text, signatures = signed(data)
        origin, size, root = lines_of(text, "the checkpoint")
        need(origin == log[0] and whole(NUMBER, size) and len(unbase64(root)) == 32, "the three lines")
        (name, key_id, signature), *others = signatures
        need((name, key_id) == log[:2] and log[2].verify(signature, text), "the first signature is not the log's")
        times, named = [], {(w[0], w[1]): w[2] for w in witnesses}
        for name, key_id, raw in others:
            key, stamp = named.pop((name, key_id), None), int.from_bytes(raw[:8], "big")
            good = key and len(raw) == 72 and key.verify(raw[8:], b"cosignature/v1\ntime %d\n" % stamp + text)
            need(good, f"the signature of {name} is not a witness's, or there twice")
            times.append(stamp)
        return int(size), unbase64(root), times
    def checkpoints(self):
        need(self.anchor, "without a trust anchor no checkpoint can be checked")
        read, want = {}, defaultdict(list)
        def one(path, name):
            size, root, times = self.checkpoint(self.data(path))
            need(name is None or str(size) == name, f"{path} is of size {size}")
            self.check("5.3", len(times) >= self.anchor[3], f"{path}: {len(times)} witnesses")
            want[size].append((root, "5.2"))
            read[size] = times
        for name, path in self.under("data/shard/checkpoints/", ".txt").items(): self.run("5.1", lambda: one(path, name))
        if self.given is None: self.skips["5.4"] = "none was given"
        else:
            def other():
                size, root, _ = self.checkpoint(self.given)
                want[size].append((root, "5.4"))
            self.run("5.4", other)
        stack = []  # the roots of the full subtrees so far, from the largest
        for i in range(len(self.leaves) + 1):
            for root, step in want.pop(i, []):
                total = stack[-1][1] if stack else hashlib.sha256(b"").digest()
                for _, left in reversed(stack[:-1]): total = tree_hash(left, total)
                self.check(step, total == root, f"the first {i} leaves have another root than the checkpoint")
            if i == len(self.leaves): break
            node = (1, self.hashes[i])
            while stack and stack[-1][0] == node[0]: node = (2 * node[0], tree_hash(stack.pop()[1], node[1]))
            stack.append(node)
        for size, more in want.items():
            for _, step in more: self.bad(step, f"a checkpoint of {size} leaves, of which {len(self.leaves)} are here")
        if self.anchor[3] == 0: self.warn("5.3", "the anchor asks for no witness: no outsider vouches for time and completeness")
        self.check("6.1", self.leaves and max(read, default=0) == len(self.leaves), "the last checkpoint does not cover all leaves")
        self.times = sorted((size, min(times)) for size, times in read.items() if times)
        self.counts.update({"5.1": len(read), "5.2": len(read), "5.3": len(read), "6.1": len(self.leaves)})
    def windows(self):
        spans = iter(self.times)
        size, stamp = next(spans, (None, 0))
        for i, leaf in enumerate(self.leaves):
            while size is not None and size <= i: size, stamp = next(spans, (None, 0))
            if size is None:
                self.warn("3.5", f"{len(self.leaves) - i} leaves stand under no cosigned checkpoint")
                break
            for kid in {leaf[0], i in self.notes and self.notes[i].kid} & set(self.keys):
                start, end = self.keys[kid].span
                self.check("3.5", start <= stamp < end, f"entry {i}: cosigned outside the window of {kid}")
            self.counts["3.5"] += 1
    def references(self):
        seen, closed = set(), None
        for i, note in sorted(self.notes.items()):
            self.at, says, ok = "4.5", note.says, True
            if note.tag == "erase":
                at = int(says[0])
                ok = at < i and at < len(self.leaves) and self.leaves[at][3] != "ctl" and self.hashes[at].hex() == says[1]
            if note.tag == "revoke": ok = says[0] in self.keys and self.keys[says[0]].index < i
            if note.tag == "approval": ok = self.tagged("dossier", says["dossier_note_sha256"], i) is not None
            if note.tag == "withhold":
                these = [x["index"] for x in says["withheld"]]
                ok = all(a < b for a, b in zip(these, these[1:])) and all(x < min(i, len(self.leaves)) and
                                                                        self.leaves[x][3].startswith("as") for x in these)
            if note.tag == "issue":
                uins = [x["uin"] for x in says["reports"]]
                ok = all(a < b for a, b in zip(uins, uins[1:])) and not seen & set(uins)
                seen |= set(uins)
            self.check("4.5", ok, f"note {i} ({note.tag}) refers to something that is not there, or not in order")
            self.check("6.2", closed is None, f"note {i} stands after the close note")
            if note.tag == "close": closed = i
        self.counts["4.5"] = len(self.notes)
    def tagged(self, tag, digest, below):  # the index of the note of that kind and digest that counts
        return next((i for i, n in self.notes.items() if (n.tag, n.sha) == (tag, digest) and n.counts and i < below), None)
    def closing(self):
        closes = [i for i, note in self.notes.items() if note.tag == "close"]
        self.state = "complete" if closes else "interim"
        if not closes: return self.warn("6.2", "interim: leaves may follow, and only a newer checkpoint can tell whether they did")
        note = self.notes[min(closes)]
        finals = sorted((kid, str(n)) for kid, n in self.signed_leaves.items())
        good = min(closes) == len(self.leaves) - 1 and int(note.says[0]) == len(self.leaves) and note.finals == finals
        self.check("6.2", good, "the close note is not the last leaf, or counts other leaves")
        self.counts["6.2"] = len(finals)
    # ---- 7 openings ----
    def parts(self):
        data = self.data("data/recipient/part.txt").decode()
        m = whole(rf"affiant\.part/1\nrecipient ([A-Za-z0-9._-]+)\nissue {NUMBER}\n((?:part (?:all|as{NUMBER})\n)+)", data)
        need(m, "not in its one form")
        parts = [x[5:] for x in m.group(3).split("\n")[:-1]]
        numbers = [int(x[2:]) for x in parts if x != "all"]
        need((m.group(1) == "audit") == (parts == ["all"]) and ("all" not in parts or len(parts) == 1), "all is the auditor's")
        need(all(a < b for a, b in zip(numbers, numbers[1:])) and max(numbers, default=0) < 2**32, "the parts do not ascend")
        self.part, self.audit, self.counts["7.1"] = (m.group(1), int(m.group(2)), set(parts)), m.group(1) == "audit", len(parts)
    def issued(self):
        need(self.part, "part.txt does not say which")
        note = self.notes.get(self.part[1])
        need(note and note.tag == "issue" and note.counts, f"entry {self.part[1]} is no issue note that counts")
        self.issue, self.counts["9.1"] = note, 1
        self.at = "1.7"
        good = rf"Bag-Software-Agent: affiant [!-~]+\nBagging-Date: {note.says['at'][:10]}\n" \
            rf"External-Identifier: {re.escape(self.log)}/{self.part[1]}/{re.escape(self.part[0])}\nPayload-Oxum: "
        payload = [size for path, (size, _, _) in self.bag.items() if path.startswith("data/")]
        self.check("1.7", whole(good + rf"{sum(payload)}\.{len(payload)}\n", self.data("bag-info.txt").decode()), "another day or count")
    def openings(self):
        need(self.part, "part.txt does not say whose")
        _, issue, parts = self.part
        owed = [i for i, leaf in enumerate(self.leaves) if (leaf[3] != "ctl" if self.audit else leaf[3] in parts)]
        place = {self.leaves[i][4]: i for i, leaf in reversed(list(enumerate(self.leaves))) if leaf[3] != "ctl"}
        self.erased = {int(n.says[0]): n.says[2] for n in self.notes.values() if n.tag == "erase" and n.counts}
        withheld = {x["index"]: x["reason"] for i, n in sorted(self.notes.items()) if n.tag == "withhold" and n.counts and i < issue
                    for x in n.says["withheld"]}
        self.withheld = {} if self.audit else withheld
        self.bodies, self.lists, self.lines, self.peers, self.laboratory = {}, {}, {}, set(), set()
        self.named, self.tables, self.listed = set(), set(), set()
        data, last = self.data("data/recipient/openings.txt"), -1
        self.check("7.6", data.endswith(b"\n") or not data, "the last line does not end")
        start = 0
        while start < len(data):
            end = data.find(b"\n", start) + 1 or len(data)
            line, start = data[start:end], end
            self.counts["7.3"] += 1
            i = place.get(sha(line))
            if not self.check("7.3", i is not None, f"line {self.counts['7.3']} is not what any leaf commits to"): continue
            self.check("7.4", i not in self.erased, f"entry {i}: its erasure is logged")
            fine = (self.audit or (self.leaves[i][3] in parts and i < issue)) and i > last
            self.check("7.2", fine, f"entry {i}: not owed, or not in its place")
            last = max(i, last)
            self.lines[i] = None
            self.run("7.6", lambda: self.opening(i, line))
        self.owed = owed
        self.counts.update(dict.fromkeys(("7.4", "7.5", "7.6", "7.7", "7.8", "7.9"), len(self.lines)))
        self.counts["7.2"] = len(owed)
        if not self.audit: self.skips["7.10"] = "the lists of candidates are in the audit bundle"
    def opening(self, i, line):
        kid, seq, _, part, commitment, _ = self.leaves[i]
        tag, blind, data = line.split(b" ", 2)
        name = {b"affiant.obs/1": "observation", b"affiant.cand/1": "candidates", b"affiant.clock/1": "clock",
                b"affiant.run/1": "run"}[tag]
        need(len(line) <= MIB and whole(HEX + "{64}", blind.decode()) and data.endswith(b"\n"), f"entry {i}: tag, blind or length")
        value = canonical(data[:-1])
        need(set(value) == {"body", "kid", "seq"}, f"entry {i}: members")
        b = fits(name, value["body"])
        self.check("7.7", (value["kid"], value["seq"]) == (kid, seq), f"entry {i}: kid and seq are not the leaf's")
        served = name == "observation" and b["grade"] == "served" and b["attribution"]["asn"] is not None
        self.check("7.8", part == (f"as{b['attribution']['asn']}" if served else "audit"), f"entry {i}: belongs to another part")
        fault = {"observation": observation_fault, "candidates": candidates_fault, "run": run_fault}.get(name, lambda b: None)(b)
        self.check("7.9", not fault, f"entry {i}: {fault}")
        if name == "candidates": self.lists[commitment] = (i, b["peers"], b["dropped"])
        if name == "run" and b["fact"]["kind"] == "started" and b["fact"]["laboratory"]: self.laboratory.add(b["run"])
        if name != "observation": return
        self.peers.add(endpoint(b["peer"])[0])
        self.tables |= set(b["attribution"]["tables"])
        if b["transcript_sha256"]: self.named.add(b["transcript_sha256"])
        if b["grade"] == "served" or b["purpose"]["kind"] == "control": self.bodies[i] = b
        if self.audit and b["found"]: self.candidate(i, b)
    def candidate(self, i, b):
        self.counts["7.10"] += 1
        found, place = b["found"], b["found"]["index"]
        gone = [x for x in self.erased if self.leaves[x][4] == found["list"] and x < i]
        at, peers, dropped = self.lists.get(found["list"], (i, [], 0))
        excluded = b["outcome"] == {"kind": "excluded", "rule": "list-too-long"}
        there = peers[place] == b["peer"] if place < len(peers) else place < len(peers) + dropped and excluded
        self.check("7.10", gone or (at < i and there), f"entry {i}: no earlier list names the peer at that place")
    # ---- 8 attachments ----
    def attachments(self):
        need(self.part, "without the recipient's part nothing can be said")
        here = self.under("data/recipient/transcripts/")
        for name in sorted(set(here) ^ self.named): self.bad("8.1", f"transcript {name[:64]} is {'not named' if name in here else 'lost'}")
        for name, path in here.items(): self.check("8.1", self.bag[path][2] == name, f"transcript {name[:64]} holds other bytes")
        self.at, self.counts["8.1"] = "8.2", len(here)
        lines = lines_of(self.data("data/tables/tables.txt"), "tables.txt")
        rows = [whole(rf"({HEX}{{64}}) {NUMBER} (iptoasn|mmdb|isp-register) (\d{{4}}-\d\d-\d\d) (\S+)", line) for line in lines[1:]]
        need(lines[0] == "affiant.tables/1" and all(rows), "tables.txt is not in its one form")
        self.listed = {row.group(1): row.group(3) for row in rows}
        for row in rows: day(row.group(4))
        need(len(self.listed) == len(rows), "a table stands twice")
        here = {name: path for name, path in self.under("data/tables/").items() if name != "tables.txt"}
        for row in rows:
            small_one, there = int(row.group(2)) <= 4 * MIB, row.group(1) in here
            good = small_one == there and (not there or self.bag[here[row.group(1)]][::2] == (int(row.group(2)), row.group(1)))
            self.check("8.2", good, f"table {row.group(1)} is missing, too much, or has other bytes")
        for name in set(here) - set(self.listed): self.bad("8.2", f"table {name[:64]} is not listed")
        for name in self.tables - set(self.listed): self.bad("8.3", f"table {name} is not listed")
        self.counts.update({"8.2": len(rows), "8.3": len(self.tables)})
    # ---- 9 reports ----
    def cirs(self):
        here = {name.split("/")[0] for name in self.under("data/cirs/")}
        owed = {} if not self.issue else {x["uin"]: x for x in self.issue.says["reports"] if self.audit or x["isp"] == self.part[0]}
        if self.issue:
            for uin in sorted(here ^ set(owed)): self.bad("9.2", f"{uin} is {'not listed' if uin in here else 'missing'}")
        self.earlier = {x["uin"] for i, n in self.notes.items() if n.tag == "issue" and n.counts and i < self.part[1]
                        for x in n.says["reports"]} if self.part else set()
        self.sessions = self.group() if self.issue else []
        self.claimed = Counter()
        for uin in sorted(here & set(owed)): self.run("9.3", lambda: self.cir(uin, owed[uin]))
        for index, times in self.claimed.items(): self.check("9.15", times == 1, f"entry {index} is in two reports")
        self.missing()
    def group(self):
        """Sessions as cir.md says, from the openings that are here and below the issue."""
        self.bodies = {i: b for i, b in self.bodies.items() if i < self.part[1]}
        control = [b for b in self.bodies.values() if b["purpose"]["kind"] == "control"]
        self.echoes = {b["peer"] for b in control if b["outcome"]["kind"] == "echo"}
        base = {i: b for i, b in self.bodies.items() if b["purpose"]["kind"] == "probe" and b["grade"] == "served"
                and b["peer"] not in self.echoes and any(c["work"] is not None for c in matching(b))}
        about = {self.leaves[i][4]: b["peer"] for i, b in base.items()}
        self.cleared = {b["peer"] for b in control if b["outcome"]["kind"] == "no-echo" and about.get(b["purpose"]["about"]) == b["peer"]}
        self.about, sessions, open_now = about, [], {}
        usable = [(i, b) for i, b in base.items() if not self.audit or b["direction"] == "incoming" or b["peer"] in self.cleared]
        for i, b in sorted(usable, key=lambda x: (x[1]["times"]["first_block"]["utc"], x[0])):
            key = (b["peer"], b["transport"], json.dumps(b["target"]))
            first, end = moment(b["times"]["first_block"]["utc"]), moment(b["times"]["last_block"]["utc"])
            s, same = open_now.get(key), {k: v for k, v in b["attribution"].items() if k != "tables"}
            if s and first - s["end"] <= datetime.timedelta(milliseconds=1_800_000) and same == s["same"] \
                    and end - s["start"] <= datetime.timedelta(milliseconds=86_400_000):
                s["members"].append(i)
                s["end"] = max(s["end"], end)
                continue
            open_now[key] = {"members": [i], "start": first, "end": end, "same": same}
            sessions.append(open_now[key])
        return {s["members"][0]: s["members"] for s in sessions}
    def cir(self, uin, listed):
        data, folder = self.data(f"data/cirs/{uin}/cir.json"), f"data/cirs/{uin}/"
        self.counts["9.3"] += 1
        self.check("9.3", sha(data) == listed["cir_sha256"], f"{uin}: not the report that the issue note lists")
        need(data.endswith(b"\n"), f"{uin}: no line feed at the end")
        r = fits("cir", canonical(data[:-1]))
        self.reports[uin] = r
        def check(step, ok, why):
            self.counts[step] += 1
            return self.check(step, ok, f"{uin}: {why}")
        refs, n = r["evidence"], len(self.leaves)
        own = f"{self.log[-7:-3]}{self.log[-2:]}-{sha(self.log.encode())[:8]}-{refs[0]['index']}"
        check("9.4", uin == r["uin"] == own and uin not in self.earlier, "not made from month, log and first entry, or used before")
        indices = [x["index"] for x in refs]
        there = all(x["index"] < min(n, self.part[1]) and self.hashes[x["index"]].hex() == x["leaf"] and
                    self.leaves[x["index"]][4] == x["commitment"] for x in refs)
        kinds = "".join("c" if x["control"] else "o" for x in refs)
        check("9.5", there and whole("o+c?", kinds) and len(set(indices)) == len(refs), "an entry is not the log's, or not in order")
        visit, members = (indices[-1] if kinds[-1] == "c" else None), [x["index"] for x in refs if not x["control"]]
        self.claimed.update(members)
        firsts = {int(x.rsplit("-", 1)[1]) for x in self.earlier}
        check("9.15", not firsts & set(members), "an earlier issue reported it")
        self.rules(uin, r, listed, check)
        self.run("9.17", lambda: self.texts(uin, r, members, visit, check))
        if any(i in self.erased for i in indices):
            return self.warn("9.5", f"{uin} rests on an opening that was erased since, and cannot be derived again")
        if not check("9.6", self.sessions.get(members[0]) == members, "its observations are not exactly one session"): return
        obs = [self.bodies[i] for i in members]
        for step, work in (("9.7", self.figures), ("9.8", self.connection), ("9.9", self.mandates), ("9.10", self.dossier),
                           ("9.11", self.visits), ("9.12", self.attribution), ("9.13", self.clock)):
            self.run(step, lambda: work(uin, r, obs, members, visit, check))
    def figures(self, uin, r, obs, members, visit, check):
        s, blocks = r["session"], [c for b in obs for c in matching(b)]
        total = lambda name: sum(b["volume"][name] for b in obs)  # noqa: E731
        errors = [b["times"]["error_ms"] for b in obs]
        good = {"start": min(b["times"]["first_block"]["utc"] for b in obs), "end": max(b["times"]["last_block"]["utc"] for b in obs),
                "blocks_verified": len(blocks), "pieces_verified": len({c["piece"] for c in blocks}), "observations": len(obs),
                "bytes_verified": total("verified_bytes"), "bytes_received": total("bytes_in"), "piece_bytes_sent": 0,
                "error_ms": None if None in errors else max(errors), "runs": sorted({b["run"] for b in obs})}
        for name, value in good.items(): check("9.7", s[name] == value, f"{name} is {s[name]} where the log gives {value}")
        seen = any(b["peer"] == obs[0]["peer"] and b["target"] == obs[0]["target"] and i not in members
                   for i, b in self.bodies.items() if b["grade"] == "served" and b["purpose"]["kind"] == "probe")
        seen |= len({endpoint(b["observer"])[0] for b in obs}) > 1
        check("9.7", seen or not s["corroborated"], "nothing here corroborates it")
    def connection(self, uin, r, obs, members, visit, check):
        first, p = obs[0], r["peer"]
        check("9.8", p["address"] == first["peer"], "another address or port")
        for name in ("observer", "direction", "port_role", "transport", "encryption"):
            check("9.8", p[name] == first[name], f"another {name}")
        client = next((b["client"] for b in obs if b["client"] is not None), None)
        sources = sorted({b["found"]["source"] for b in obs if b["found"]}, key=["tracker", "dht", "pex", "magnet"].index)
        good = (client, sources, first["target"], first["release_sha256"], first["config_sha256"])
        check("9.8", (r["client"], r["sources"], r["target"], r["release_sha256"], r["config_sha256"]) == good,
              "another client, source, torrent, release or configuration")
    def mandates(self, uin, r, obs, members, visit, check):
        start, end, last = r["session"]["start"][:10], r["session"]["end"][:10], -1
        for w in r["works"]:
            at = self.tagged("mandate", w["mandate_sha256"], members[0])
            if not check("9.9", at is not None, "a mandate was not logged before the first observation"): continue
            m = self.notes[at].says
            check("9.9", at > last and m["id"] == w["mandate"] and m["work"] == w["work"], "not the mandate's words or order")
            check("9.9", all(m[k] == r[k] for k in ("owner", "agent", "authority")), "another owner, agent or authority")
            check("9.9", r["target"] in m["targets"], "another torrent")
            check("9.9", all(x["from"] <= start and end <= x["to"] for x in (m, m["authority"])), "not in force the whole time")
            check("9.9", str(endpoint(r["peer"]["address"])[0]) not in m["owner_seeds"], "the owner's own seed")
            named = all(w["mandate_sha256"] in b["mandates_sha256"] for b in obs)
            check("9.9", named and any(c["work"] == m["id"] for b in obs for c in matching(b)), "not what was observed")
            last = at
    def dossier(self, uin, r, obs, members, visit, check):
        digests = {b["dossier_sha256"] for b in obs}
        at = self.tagged("dossier", obs[0]["dossier_sha256"], members[0])
        if not check("9.10", len(digests) == 1 and at is not None, "not one dossier logged before the first observation"): return
        d = self.notes[at].says
        check("9.10", d["target"] == r["target"], "the dossier is of another torrent")
        people = {n.holder for i, n in self.notes.items() if n.tag == "approval" and n.counts and i < members[0]
                  and n.says["dossier_note_sha256"] == self.notes[at].sha}
        check("9.10", len(people) >= 2, f"{len(people)} people approved the dossier before the first observation")
        size, works, touched = d["piece_bytes"], {w["mandate"] for w in r["works"]}, set()
        for c in (c for b in obs for c in matching(b) if c["work"] is not None):
            begin = c["piece"] * size + c["offset"]
            end = begin + c["length"]
            full = c["offset"] % 16384 == 0 and c["offset"] < size and end <= d["total_bytes"] and \
                c["length"] == min(16384, size - c["offset"], d["total_bytes"] - begin)
            number = c["piece"] * -(-size // 16384) + c["offset"] // 16384
            over = [i for i, f in enumerate(d["files"]) if f["offset"] < end and begin < f["offset"] + f["bytes"]]
            inside = over and all(d["files"][i]["work"] == c["work"] and not d["files"][i]["padding"] for i in over)
            check("9.10", full and inside and number not in d["unfit_blocks"], f"block {number} does not lie wholly in the work")
            touched |= set(over) if c["work"] in works else set()
        good = [{k: d["files"][i][k] for k in ("bytes", "contains", "path", "sha256", "work")} for i in sorted(touched)]
        check("9.10", r["files"] == good, "other files than the dossier's that the blocks lie in")
    def visits(self, uin, r, obs, members, visit, check):
        dialled = any(b["direction"] == "outgoing" for b in obs)
        check("9.11", dialled == (visit is not None), "a control visit is named exactly if the monitor dialled")
        check("9.11", r["peer"]["address"] not in self.echoes, "a control visit ended in echo")
        body = self.bodies.get(visit) or self.enclosed(uin, visit)
        if visit is not None and body:
            good = body["purpose"]["kind"] == "control" and body["outcome"]["kind"] == "no-echo" and \
                self.about.get(body["purpose"]["about"]) == body["peer"] == r["peer"]["address"]
            check("9.11", good, "the control visit did not clear this address and port")
        elif visit is not None and self.audit: check("9.11", False, "the control visit's opening is not here")
        if not self.audit: self.warn("9.11", "whether a control visit ended in echo is seen in the audit bundle only")
    def enclosed(self, uin, visit):
        for line in self.data(f"data/cirs/{uin}/evidence.txt").split(b"\n"):
            if visit is not None and sha(line + b"\n") == self.leaves[visit][4]:
                return fits("observation", canonical(line.split(b" ", 2)[2])["body"])
        return None
    def attribution(self, uin, r, obs, members, visit, check):
        a, listed = r["attribution"], set(self.issue.says["tables_sha256"])
        check("9.12", a == obs[0]["attribution"] and a["class"] == "fixed" and a["isp"] == r["isp"]["id"], "another ISP or class")
        check("9.12", self.audit or f"as{a['asn']}" in self.part[2], "an AS that is not the recipient's")
        check("9.12", set(a["tables"]) <= listed and r["isp"]["register_sha256"] in listed and
              self.listed.get(r["isp"]["register_sha256"]) == "isp-register", "tables or register that the issue does not name")
    def clock(self, uin, r, obs, members, visit, check):
        for b in obs:
            error = b["times"]["error_ms"]
            if error is None and (not self.audit or b["run"] in self.laboratory):
                self.warn("9.13", "the clock's error is unknown, as in a laboratory")
            else: check("9.13", error is not None and error <= 40, f"the clock's error was {error} ms")
    def rules(self, uin, r, listed, check):
        says, s = self.issue.says, r["session"]
        last, target = deadlines(s["start"])
        check("9.14", r["deadlines"]["last"] == str(last), f"last is {r['deadlines']['last']} where it is {last}")
        check("9.14", r["deadlines"]["target"] in target, "target is no tenth working day")
        check("9.14", s["end"] <= r["issued_at"] and uk_day(r["issued_at"]) <= last, "not issued between the end and the last day")
        people = (r["approver"], r["investigator"]) == (self.issue.holder, says["investigator"]) and r["approver"] != r["investigator"]
        check("9.16", people, "other people than the issue's, or not two")
        check("9.16", (r["profile"], r["log"], r["issued_at"]) == (says["profile"], self.log, says["at"]), "profile, log or instant")
        check("9.16", (r["infringement_statement"], r["consent_statement"]) == SENTENCES, "the fixed sentences")
        check("9.12", r["isp"]["id"] == listed["isp"], "another ISP than the issue note's")
    def texts(self, uin, r, members, visit, check):
        lines = set(self.data(f"data/cirs/{uin}/evidence.txt").split(b"\n"))
        digests = {sha(line + b"\n"): line for line in lines}
        hashes = {hashlib.sha256(b"\0" + line + b"\n").hexdigest() for line in lines}
        rest = {x["commitment"] for x in r["evidence"]}
        check("9.17", all(x["leaf"] in hashes for x in r["evidence"]), "a leaf is not in evidence.txt")
        there = all(self.leaves[i][4] in digests for i in members if i not in self.erased)
        check("9.17", there, "an opening is not in evidence.txt")
        gone = {self.leaves[i][4] for i in self.erased}
        ours = all(d in rest - gone for d, line in digests.items() if re.match(rb"affiant\.(obs|cand|clock|run)/", line))
        check("9.17", ours, "evidence.txt holds another opening")
        notice = self.data(f"data/cirs/{uin}/notice.txt").decode()
        host, port = endpoint(r["peer"]["address"])
        ends = {host, endpoint(r["peer"]["observer"])[0]}
        check("9.17", all(str(x) in notice for x in (uin, host, port)), "notice.txt lacks the UIN, the address or the port")
        check("9.17", addresses(notice + "\n" + r["description"]) <= ends, "speaks of another address")
    def missing(self):
        """Whether each owed opening is here, erased, withheld or of a later issue; what is none of these was lost or left out."""
        mine = {x["index"] for r in self.reports.values() for x in r["evidence"] if not x["control"]}
        for uin in self.earlier: mine |= set(self.sessions and self.sessions.get(int(uin.rsplit("-", 1)[1])) or [])
        for i in self.withheld: self.check("7.5", i not in self.lines or i in mine, f"entry {i}: withheld, and here all the same")
        kinds = Counter()
        for i in self.owed:
            kind = "present" if i in self.lines else "erased" if i in self.erased else \
                "withheld" if i in self.withheld and i not in mine else "later" if i > self.part[1] and not self.audit else "lost"
            kinds[kind] += 1
            self.check("7.2", kind != "lost", f"entry {i}: its opening is owed, and neither here nor accounted for")
        self.told = ", ".join(f"{kinds[k]} {k}" for k in ("present", "erased", "withheld", "later", "lost"))
    # ---- 10 the process report ----
    def process(self):
        data, html = self.data("data/process-report.json"), self.data("data/process-report.html")
        report, self.counts["10.1"] = fits("document", parse_json(data)), 1
        need([s["number"] for s in report["sections"]] == list(range(1, 17)), "not the sixteen sections")
        need(report["notices"] and html.strip(), "no notice, or no HTML")
        need("data/process-report.pdf" not in self.bag or self.data("data/process-report.pdf").startswith(b"%PDF-"), "no PDF")
        said = addresses(json.dumps(report, ensure_ascii=False)) | addresses(html.decode())
        need(not said & getattr(self, "peers", set()), "the process report names a peer whose opening is here")
SENTENCES = ("There appears to have been an infringement of the owner's copyright in the work, by means of the connection described in "
             "this report.", "To the best of the owner's knowledge, no consent was given for the work to be made available in this way.")
def addresses(text):
    found = set()
    for token in re.findall(r"(?<![0-9A-Za-z.:_])[0-9A-Fa-f:.]*[.:][0-9A-Fa-f:.]*(?![0-9A-Za-z_])", text):
        for shape in (token, token.strip(".:"), token.rstrip("."), token.split(":")[0].strip(".")):
            try: found.add(ipaddress.ip_address(shape))
            except ValueError: pass
    return found
def matching(b): return [c for c in b["challenges"] if c["verification"]["result"] == "match"]
def good_end(text): return not (endpoint(text)[0].version == 6 and endpoint(text)[0].ipv4_mapped)
def has_hash(target): return target["v1"] is not None or target["v2"] is not None
def candidates_fault(b):
    return None if all(map(good_end, b["peers"])) and has_hash(b["target"]) else "an address or the torrent"
def run_fault(b):
    fact = b["fact"]
    return "content was sent" if fact["kind"] == "ended" and fact["piece_bytes_out"] else None
def observation_fault(b):
    hits, t, volume, served = matching(b), b["times"], b["volume"], b["grade"] == "served"
    stamps = [x for x in (t["first_block"], t["last_block"]) if x]
    rules = [
        (good_end(b["peer"]) and good_end(b["observer"]) and has_hash(b["target"]), "an address or the torrent"),
        ((b["port_role"] == "listening") == (b["direction"] == "outgoing") == (b["found"] is not None), "direction, port and found"),
        (volume["piece_bytes_out"] == 0, "content was sent"),
        (served == bool(hits) and not (served and b["purpose"]["kind"] == "control"), "grade and challenges"),
        (len(stamps) == 2 * served, "first and last block"),
        (all(c["first_byte"] and c["answered"] and c["sha256"] and 1 <= c["length"] <= 16384 for c in hits), "a matching challenge"),
        (volume["verified_bytes"] == sum(c["length"] for c in hits) <= volume["bytes_in"], "the verified bytes"),
        (b["outcome"]["kind"] != "served" or (b["outcome"]["blocks"], b["outcome"]["pieces"]) ==
         (len(hits), len({c["piece"] for c in hits})), "the outcome's counts"),
        (not served or (b["dossier_sha256"] and b["transcript_sha256"]), "no dossier or transcript")]
    for ok, why in rules:
        if not ok: return why
    if not served: return None
    mono = lambda stamp: stamp["mono_us"]  # noqa: E731
    first, last = min((c["first_byte"] for c in hits), key=mono), max((c["answered"] for c in hits), key=mono)
    order = [mono(x) for x in (t["began"], t["first_block"], t["last_block"], t["ended"])]
    return None if (first, last) == (t["first_block"], t["last_block"]) and order == sorted(order) else "the times of the blocks"
def uk_day(instant):  # civil time in the United Kingdom: an hour later from the last Sunday of March to that of October, 01:00 UTC
    at = moment(instant)
    def change(month):
        last = datetime.date(at.year, month, 31)
        return datetime.datetime.combine(last - datetime.timedelta(days=(last.weekday() + 1) % 7), datetime.time(1))
    return (at + datetime.timedelta(hours=1) if change(3) <= at < change(10) else at).date()
def deadlines(start):  # the day in UTC is never after the day in UK civil time, so it gives the earlier deadline
    gathered = day(start)
    year, month = gathered.year + gathered.month // 12, gathered.month % 12 + 1
    try: last = datetime.date(year, month, gathered.day) - datetime.timedelta(days=1)
    except ValueError: last = datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(days=1)
    days = (gathered + datetime.timedelta(days=n) for n in range(1, 30))
    return last, [str(d) for d in days if d.weekday() < 5][9:14]
def main():
    options = argparse.ArgumentParser(description="Checks a bundle by the steps of verify.md.")
    options.add_argument("bundle")
    options.add_argument("--anchor-sha256", metavar="HEX", type=str.lower)
    options.add_argument("--checkpoint", metavar="FILE")
    options.add_argument("--json", action="store_true")
    o = options.parse_args()
    try:
        given = open(o.checkpoint, "rb").read(MIB) if o.checkpoint else None
        os.stat(o.bundle)
    except OSError as fault:
        print(f"verify.py: {fault}", file=sys.stderr)
        return 2
    c = Check({}, o.anchor_sha256, given)
    try: c.bag = open_bag(o.bundle)
    except OSError as fault:
        print(f"verify.py: {fault}", file=sys.stderr)
        return 2
    except Exception as fault:
        c.bad("1.1", fault if isinstance(fault, Refused) else f"the archive cannot be read ({fault})")
        c.skips.update((step, "the bag was refused before it was opened") for step in STEPS if step != "1.1")
    else:
        c.counts["1.1"] = len(c.bag)
        c.all()
    steps = []
    for number, name in STEPS.items():
        result, why = c.result(number)
        why = c.told if number == "7.2" and not why and hasattr(c, "told") else why
        steps.append({"count": c.counts[number], "faults": c.faults[number][:20], "faults_total": len(c.faults[number]), "name": name,
                      "number": number, "result": result, "why": why})
    valid = all(step["result"] != "fail" for step in steps)
    verdict = {"format": "affiant.verdict/1", "leaves": len(c.leaves), "log": c.log, "recipient": c.part and c.part[0],
               "reports": len(c.reports), "state": c.state, "steps": steps, "valid": valid}
    if o.json: print(json.dumps(verdict, indent=2, sort_keys=True))
    else:
        for step in steps: print(f"{step['result']:8}{step['number']:>5}  {step['name']}" + (f": {step['why']!a}" if step["why"] else ""))
        print(f"{'VALID' if valid else 'NOT VALID'}, {c.state}: {len(c.leaves)} leaves, {len(c.reports)} reports, log {c.log}")
    return 0 if valid else 1
if __name__ == "__main__":
    sys.exit(main())
