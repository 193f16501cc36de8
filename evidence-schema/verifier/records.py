"""What a record must say if it says the rest (opening.md, the lists at its end)."""
from datetime import timedelta
from hashlib import sha256

from .forms import endpoint, moment


def matching(body):
    return [challenge for challenge in body["challenges"] if challenge["verification"]["result"] == "match"]


def work_blocks(body):
    return [challenge for challenge in matching(body) if challenge["work"] is not None]


BLOCK = 16_384


def block_number(dossier, c):
    """The number of a block of the torrent; None if it is none."""
    size, start = dossier["piece_bytes"], c["piece"] * dossier["piece_bytes"] + c["offset"]
    if c["offset"] % BLOCK or c["offset"] >= size:
        return None
    if dossier["target"]["v2"] is not None:
        return number_in_files(dossier, start, c["length"])
    end = min(start + BLOCK, (c["piece"] + 1) * size, dossier["total_bytes"])
    return c["piece"] * -(-size // BLOCK) + c["offset"] // BLOCK if start + c["length"] == end else None


def number_in_files(dossier, start, length):
    """With version 2 blocks end where files end, padding has none, and files are numbered one after the other."""
    before = 0
    for f in (f for f in dossier["files"] if not f["padding"]):
        within = start - f["offset"]
        if 0 <= within < f["bytes"]:
            return before + within // BLOCK if within % BLOCK == 0 and length == min(BLOCK, f["bytes"] - within) else None
        before += -(-f["bytes"] // BLOCK)
    return None


def proof_holds(c):
    """A Merkle path (BEP 52) is there exactly where it decides, leads to its root, and decides as the record says."""
    proof, result = c["proof"], c["verification"]
    if result.get("check") != "merkle":
        return proof is None
    if proof is None or c["sha256"] is None:
        return False
    node, index = bytes.fromhex(proof["leaf"]), proof["index"]
    for sibling in map(bytes.fromhex, proof["hashes"]):
        node = sha256(sibling + node if index & 1 else node + sibling).digest()
        index >>= 1
    return index == 0 and node.hex() == proof["root"] and (c["sha256"] == proof["leaf"]) == (result["result"] == "match")


class Seen:
    """What sessions are made of (cir.md): one usable observation, as far as it says so itself."""

    def __init__(self, index, commitment, b, blocks):
        self.index, self.commitment, self.incoming, self.observer = index, commitment, b["direction"] == "incoming", b["observer"]
        self.torrent, self.peer, self.peer_id = (b["target"]["v1"], b["target"]["v2"]), b["peer"], b["peer_id"]
        self.host = endpoint(b["peer"])[0]
        self.key = (self.peer, b["transport"], self.torrent)
        self.client = b["peer_id"] and b["peer_id"][:16]
        place = tuple(b["attribution"][name] for name in ("asn", "prefix", "isp", "class"))
        self.place = (place, self.client, b["laboratory"])
        self.first = moment(min(c["first_byte"]["utc"] for c in blocks))
        self.last = moment(max(c["answered"]["utc"] for c in blocks))


def mono(stamp):
    return stamp["mono_us"]


def plain(text):
    address = endpoint(text)[0]
    return address.version == 4 or address.ipv4_mapped is None


def has_hash(target):
    return target["v1"] is not None or target["v2"] is not None


def fault(kind, body):
    """The first rule that a record breaks, or None."""
    if kind == "candidates":
        spoken = body["spoken"] is None or body["target"][body["spoken"]] is not None
        return None if all(map(plain, body["peers"])) and has_hash(body["target"]) and spoken else "an address, or no info-hash"
    if kind == "run":
        if "spoken" in body["fact"] and body["fact"]["target"][body["fact"]["spoken"]] is None:
            return "the target is not of the version that was asked about"
        return fact_fault(body["fact"], mono(body["at"]))
    return observation_fault(body) if kind == "observation" else None


def fact_fault(fact, ended):
    if fact["kind"] == "ended":
        return "content was sent" if fact["piece_bytes_out"] else None
    if fact["kind"] != "looked-up":
        return None
    v1, v2 = fact["target"]["v1"], fact["target"]["v2"]
    rules = [
        (fact["info_hash"] in (v1, v2 and v2[:40]), "the info-hash looked up is none of the target's"),
        (mono(fact["began"]) <= ended, "the look-up ended before it began"),
        (fact["agreed"] <= fact["closest"] <= fact["answered"] <= fact["asked"], "more nodes answered than were asked"),
        (fact["naming"] <= fact["asked"], "more answers named peers than queries were sent"),
        (fact["distinct"] <= fact["named"], "more distinct addresses than were named"),
        (fact["ending"] != "silence" or fact["answered"] == 0, "nobody answered, and somebody did"),
    ]
    return next((why for holds, why in rules if not holds), None)


def observation_fault(b):
    matched, served, probe = matching(b), b["grade"] == "served", b["purpose"]["kind"] == "probe"
    times, volume, outcome, outgoing = b["times"], b["volume"], b["outcome"], b["direction"] == "outgoing"
    utp_dial, asks = outgoing and b["transport"] == "utp", b["purpose"]["kind"] == "rendezvous"
    length = sum(challenge["length"] for challenge in matched)
    rules = [
        (plain(b["peer"]) and plain(b["observer"]), "an address is IPv4-mapped"),
        (has_hash(b["target"]), "the target has no info-hash"),
        (b["target"][b["spoken"]] is not None, "the target is not of the version that was spoken"),
        ((b["port_role"] == "listening") == outgoing, "the port's role does not follow from the direction"),
        (b["encryption"] != "mse-failed" or b["peer_id"] is None, "a handshake came over a stream that never came about"),
        ((b["mse_secret"] is not None) == (b["encryption"] in ("mse-plain", "mse-rc4")), "an MSE secret is not there exactly for an encrypted stream"),
        (b["found"] is None or b["found"]["source"] not in ("dht", "pex", "local") or b["found"]["via"] == b["found"]["source"],
         "it says which node or peer named the address"),
        ((b["found"] is not None) == outgoing, "found is not there exactly for an outgoing contact"),
        (volume["piece_bytes_out"] == 0, "content was sent"),
        (probe or not served, "what is no probe is graded served"),
        (not probe or served == bool(matched), "the grade is not served exactly if a challenge matched"),
        (not served or b["transcript_sha256"], "a served observation lacks its transcript"),
        (b["dossier_sha256"] or all(c["verification"]["check"] == "merkle" for c in matched), "a block was compared with no dossier"),
        (all(map(proof_holds, b["challenges"])), "a Merkle path"),
        (not served or b["peer_id"] is not None, "a served observation has no peer id"),
        (all(c["first_byte"] and c["answered"] and c["sha256"] for c in matched), "a matching challenge lacks a time or digest"),
        (all(1 <= c["length"] <= 16384 for c in matched), "a matching challenge is not 1 to 16,384 bytes long"),
        (volume["verified_bytes"] == length <= volume["bytes_in"], "verified_bytes"),
        (b["rendezvous"] is None or (b["transport"] == "utp" and not asks), "a rendezvous is named by something other than a contact over µTP"),
        (not asks or (utp_dial and not b["challenges"]), "a rendezvous is not a dial over µTP, or asks for blocks"),
        (outcome["kind"] != "introduced" or (asks and outcome["connects"] <= outcome["asked"]), "introductions that were not asked for"),
        (claims_hold(b), "what the peer said of itself is too long, in no order, or said without a handshake"),
        (all(c["among"] > 0 and (c["choked"] or c["chosen_by"] != "rule") for c in b["challenges"]), "what a challenge was drawn from"),
        (outcome["kind"] != "served" or (outcome["blocks"], outcome["pieces"]) ==
         (len(matched), len({c["piece"] for c in matched})), "the outcome's counts"),
    ]
    broken = [why for fine, why in rules if not fine]
    return broken[0] if broken else clocks_fault(b, times) or times_fault(times, served, matched)


def client_of(b):
    return b["extension"] and b["extension"]["client"]


def claims_hold(b):
    """`v` within its bound, software for each handshake, disagreements in order."""
    client, said, software = client_of(b), b["peer_id"] is not None, b["software"]
    size = 0 if client is None else len(client.encode("utf-8")) if isinstance(client, str) else len(client["hex"]) // 2
    if size > 128 or (b["extension"] and not said) or (software is not None) != said:
        return False
    words = software["disagreements"] if software else []
    return all(x < y for x, y in zip(words, words[1:])) and (not software or (software["by_client"] is None) == (client is None))


def clocks_fault(b, times):
    """The wall clock and the monotonic one ran together, as far as the clock's error is known."""
    if times["error_ms"] is None:
        return None
    began, most_us = times["began"], (times["error_ms"] + 2) * 1000
    stamps = [stamp for name, stamp in times.items() if name != "error_ms"]
    stamps += [c[name] for c in b["challenges"] for name in ("asked", "first_byte", "answered")]
    for stamp in filter(None, stamps):
        wall_us = (moment(stamp["utc"]) - moment(began["utc"])) // timedelta(microseconds=1)
        if abs(wall_us - (mono(stamp) - mono(began))) > most_us:
            return "the wall clock did not run with the monotonic one"
    return None


def times_fault(times, served, matched):
    first, last = times["first_block"], times["last_block"]
    if not served:
        return None if first is None and last is None else "block times without a verified block"
    if first is None or last is None or not matched:
        return "a served observation lacks its block times"
    earliest, latest = min((c["first_byte"] for c in matched), key=mono), max((c["answered"] for c in matched), key=mono)
    order = [mono(stamp) for stamp in (times["began"], first, last, times["ended"])]
    return None if (first, last) == (earliest, latest) and order == sorted(order) else "the block times"
