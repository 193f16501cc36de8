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
def zip64(extra, fields):  # the sizes and the offset that did not fit 32 bits stand in the extra field of kind 1
    kinds = 0
    while extra:
        kind, length = struct.unpack("<HH", extra[:4])
        need(kind == 1 and not kinds and len(extra) >= 4 + length, "an extra field in the archive")
        values, extra, kinds = extra[4:4 + length], extra[4 + length:], 1
        fields = [struct.unpack("<Q", values[8 * i:8 * i + 8])[0] if 8 * i + 8 <= length else f for i, f in enumerate(fields)]
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
        self.tag, body = whole(r"affiant\.([a-z]+)/1\n(.*)", text.decode()[:80]).group(1), text.split(b"\n", 1)[1]
        need(self.tag in SIGNERS, f"the tag {self.tag} does not exist")
        if self.tag not in TEXTS:
            need(body.endswith(b"\n"), "no line feed")
            self.says = fits(self.tag, canonical(body[:-1]))
            return
        match = whole(TEXTS[self.tag], body.decode())
        need(match, "the text is not in its one form")
        self.says = match.groups()
