"""Text, numbers, JSON and signed notes in the one form that the pages allow. Whatever has another form is Refused."""
import base64
import datetime
import hashlib
import ipaddress
import json
import os
import re

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NUMBER, HEX = r"(?:0|[1-9][0-9]{0,19})", r"[0-9a-f]"


class Refused(Exception):
    """Something is not as the pages say; the text says what."""


def need(holds, why):
    if not holds:
        raise Refused(why)


def whole(pattern, text):
    return re.fullmatch(pattern, text, re.ASCII)


def sha(data):
    return hashlib.sha256(data).hexdigest()


def unbase64(text):
    raw = base64.b64decode(text, validate=True)
    need(base64.b64encode(raw).decode() == text, "base64 that is not in its one form")
    return raw


def lines_of(data, what):
    need(data.endswith(b"\n"), f"the last line of {what} does not end")
    return data.decode("utf-8").split("\n")[:-1]


# ---- signed notes and keys (notes.md, C2SP signed-note) ----

def signed(data):
    """The text of a note, and (name, key id, signature) of each of its signatures."""
    need(len(data) <= 1 << 20, "a note of more than 1 MiB")
    need(not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", data.decode("utf-8")), "a control character")
    text, blank, below = data.rpartition(b"\n\n")
    need(blank, "no blank line before the signatures")
    matches = [re.fullmatch(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)", line) for line in lines_of(below, "a note")]
    need(all(matches) and 1 <= len(matches) <= 64, "a signature line that is none")
    signatures = [(m.group(1), unbase64(m.group(2))) for m in matches]
    need(len({(name, raw[:4]) for name, raw in signatures}) == len(signatures), "a key signs twice")
    return text + b"\n", [(name, raw[:4], raw[4:]) for name, raw in signatures]


def key_id(name, kind, key):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


# ---- JSON (opening.md) ----

def no_twins(pairs):
    need(len({key for key, _ in pairs}) == len(pairs), "a member stands twice")
    need(all(key.isascii() for key, _ in pairs), "a member's name is not ASCII")
    return dict(pairs)


def refuse_number(text):
    raise Refused(f"{text[:40]} is not a plain integer")


def plain_integer(text):
    need(len(text) < 18 and abs(int(text)) < 2**53, f"{text[:40]} is beyond 2^53 - 1")
    return int(text)


def parse_json(data):
    return json.loads(data.decode("utf-8"), object_pairs_hook=no_twins, parse_int=plain_integer, parse_float=refuse_number,
                      parse_constant=refuse_number)


def canonical(data):
    value = parse_json(data)
    again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    need(again.encode("utf-8") == data, "the JSON is not in its canonical form")
    return value


# ---- addresses, days and instants ----

def ip(text):
    address = ipaddress.ip_address(text)
    mapped = address.version == 6 and address.ipv4_mapped
    need((f"::ffff:{mapped}" if mapped else str(address)) == text, f"{text[:60]} is not an address in its one form")
    return address


def endpoint(text):
    match = whole(r"\[?([^\[\]]+)\]?:(0|[1-9][0-9]{0,4})", text)
    need(match and int(match.group(2)) < 65536, "not an address and port")
    host, port = match.groups()
    need(text == (f"[{host}]:{port}" if ":" in host else f"{host}:{port}"), "not an address and port in its one form")
    return ip(host), int(port)


def day(text):
    return datetime.date(int(text[:4]), int(text[5:7]), int(text[8:10]))


def moment(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")


def seconds(text):
    need(whole(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", text), "an instant of whole seconds")
    return int(datetime.datetime.strptime(text + "+0000", "%Y-%m-%dT%H:%M:%SZ%z").timestamp())


def is_utf8(raw):
    try:
        raw.decode("utf-8")
        return True
    except UnicodeDecodeError:
        return False


# ---- JSON Schema, as far as schemas/ uses it ----

EXTRA = {  # what a pattern cannot say of the shapes of these names
    "endpoint": endpoint, "ip": ip, "date": day, "instant": day,
    "claimed": lambda v: need(isinstance(v, str) or not is_utf8(bytes.fromhex(v["hex"])), "hexadecimal of what is UTF-8"),
}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}
SCHEMAS = {}


def fits(name, value):
    """Gives the value back if it has the shape of schemas/<name>.json."""
    if name not in SCHEMAS:
        with open(os.path.join(HERE, "schemas", name + ".json"), "rb") as file:
            SCHEMAS[name] = json.load(file)
    check(SCHEMAS[name], value, SCHEMAS[name].get("$defs", {}), name)
    return value


def holds(schema, value, defs):
    try:
        check(schema, value, defs, "")
        return True
    except (Refused, ValueError):
        return False


def is_type(value, kind):
    return isinstance(value, TYPES[kind]) and (kind != "integer" or not isinstance(value, bool))


def check(schema, value, defs, at):
    if "$ref" in schema:
        name = schema["$ref"][len("#/$defs/"):]
        check(defs[name], value, defs, at)
        if name in EXTRA:
            EXTRA[name](value)
        return
    kind = schema.get("type")
    need(kind is None or is_type(value, kind), f"{at} is not of type {kind}")
    for word, rule in schema.items():
        fine = True
        if word == "const":
            fine = value == rule and type(value) is type(rule)
        elif word == "enum":
            fine = isinstance(value, str) and value in rule
        elif word == "pattern":
            fine = whole(rule, value)
        elif word == "minimum":
            fine = value >= rule
        elif word == "maximum":
            fine = value <= rule
        elif word == "minItems":
            fine = len(value) >= rule
        elif word == "anyOf":
            fine = any(holds(each, value, defs) for each in rule)
        elif word == "oneOf":
            fine = sum(holds(each, value, defs) for each in rule) == 1
        elif word == "required":
            fine = all(each in value for each in rule)
        elif word == "items":
            for each in value:
                check(rule, each, defs, at + "[]")
        elif word == "properties" or word == "additionalProperties":
            named = schema.get("properties", {})
            for key, member in value.items():
                if word == "properties" and key in named:
                    check(named[key], member, defs, f"{at}.{key}")
                elif word == "additionalProperties" and key not in named:
                    need(rule is not False, f"{at} has the member {key[:40]}, which the schema does not name")
                    check(rule, member, defs, f"{at}.{key[:40]}")
        else:
            need(word in ("type", "$schema", "$id", "$defs", "title", "description"), f"the schema's word {word} is not known here")
        need(fine, f"{at} does not fit the schema ({word})")
