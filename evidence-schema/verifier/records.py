"""What a record must say if it says the rest (opening.md, the lists at its end)."""
from .forms import endpoint


def matching(body):
    return [challenge for challenge in body["challenges"] if challenge["verification"]["result"] == "match"]


def plain(text):
    address = endpoint(text)[0]
    return address.version == 4 or address.ipv4_mapped is None


def has_hash(target):
    return target["v1"] is not None or target["v2"] is not None


def fault(kind, body):
    """The first rule that a record breaks, or None."""
    if kind == "candidates":
        return None if all(map(plain, body["peers"])) and has_hash(body["target"]) else "an address, or no info-hash"
    if kind == "run":
        sent = body["fact"]["kind"] == "ended" and body["fact"]["piece_bytes_out"]
        return "content was sent" if sent else None
    return observation_fault(body) if kind == "observation" else None


def observation_fault(b):
    matched, served, probe = matching(b), b["grade"] == "served", b["purpose"]["kind"] == "probe"
    times, volume, outcome, outgoing = b["times"], b["volume"], b["outcome"], b["direction"] == "outgoing"
    length = sum(challenge["length"] for challenge in matched)
    rules = [
        (plain(b["peer"]) and plain(b["observer"]), "an address is IPv4-mapped"),
        (has_hash(b["target"]), "the target has no info-hash"),
        ((b["port_role"] == "listening") == outgoing, "the port's role does not follow from the direction"),
        ((b["found"] is not None) == outgoing, "found is not there exactly for an outgoing contact"),
        (volume["piece_bytes_out"] == 0, "content was sent"),
        (probe or not served, "a control visit is graded served"),
        (not probe or served == bool(matched), "the grade is not served exactly if a challenge matched"),
        (not served or (b["dossier_sha256"] and b["transcript_sha256"]), "a served observation lacks dossier or transcript"),
        (all(c["first_byte"] and c["answered"] and c["sha256"] for c in matched), "a matching challenge lacks a time or digest"),
        (all(1 <= c["length"] <= 16384 for c in matched), "a matching challenge is not 1 to 16,384 bytes long"),
        (volume["verified_bytes"] == length <= volume["bytes_in"], "verified_bytes"),
        (outcome["kind"] != "served" or (outcome["blocks"], outcome["pieces"]) ==
         (len(matched), len({c["piece"] for c in matched})), "the outcome's counts"),
    ]
    broken = [why for fine, why in rules if not fine]
    return broken[0] if broken else times_fault(times, served, matched)


def times_fault(times, served, matched):
    first, last = times["first_block"], times["last_block"]
    if not served:
        return None if first is None and last is None else "block times without a verified block"
    if first is None or last is None or not matched:
        return "a served observation lacks its block times"
    earliest = min((c["first_byte"] for c in matched), key=lambda stamp: stamp["mono_us"])
    latest = max((c["answered"] for c in matched), key=lambda stamp: stamp["mono_us"])
    order = [times["began"]["mono_us"], first["mono_us"], last["mono_us"], times["ended"]["mono_us"]]
    return None if (first, last) == (earliest, latest) and order == sorted(order) else "the block times"
