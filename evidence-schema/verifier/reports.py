"""Step 9: each report against the openings and notes, never against its own words (cir.md)."""
import datetime
import hashlib
import ipaddress
import re

from .bag import MIB
from .forms import canonical, day, endpoint, fits, moment, need, sha
from .openings import decode
from .records import block_number, client_of, work_blocks

INFRINGEMENT = "There appears to have been an infringement of the owner's copyright in the work, by means of the connection " \
    "described in this report."
CONSENT = "To the best of the owner's knowledge, no consent was given for the work to be made available in this way."
GAP, LONGEST = datetime.timedelta(milliseconds=1_800_000), datetime.timedelta(milliseconds=86_400_000)
LABORATORY = "LABORATORY REPORT: simulated peers, synthetic content, nobody's notice"


def uk_day(instant):
    """The day in UK civil time: an hour ahead from 01:00 UTC on the last Sunday of March to 01:00 UTC on that of October."""
    at = moment(instant)
    changes = []
    for month in (3, 10):
        last = datetime.date(at.year, month, 31)
        sunday = last - datetime.timedelta(days=(last.weekday() + 1) % 7)
        changes.append(datetime.datetime.combine(sunday, datetime.time(1)))
    return (at + datetime.timedelta(hours=1) if changes[0] <= at < changes[1] else at).date()


def month_from(first):
    """The last day of the month that begins with this day."""
    year, month = first.year + first.month // 12, first.month % 12 + 1
    try:
        return datetime.date(year, month, first.day) - datetime.timedelta(days=1)
    except ValueError:  # there is no such day: the last one of that month
        return datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(days=1)


def as_address(word):
    """The address and the port or None that a word is; None if it is neither."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]{1,9})", word)
    host, port = (match.group(1) or match.group(2), int(match.group(3))) if match else (word, None)
    if "%" in host or (port or 0) > 65535 or match and (":" in host) != (match.group(1) is not None):
        return None
    try:
        return ipaddress.ip_address(host), port
    except ValueError:
        return None


def words(text):
    return [word.rstrip(".:") for word in re.split(r"[\s,;()\"'“”]+", text)]


def shown(claimed):
    """Text that somebody else chose, as the notice shows it: what is not plain text is escaped."""
    raw = claimed.encode() if isinstance(claimed, str) else bytes.fromhex(claimed["hex"])
    text = raw.decode("utf-8", "backslashreplace") if isinstance(claimed, dict) else claimed
    return text


def end_of(session):
    return max(seen.last for seen in session)


def dialled_by_peer(session):
    return all(seen.incoming for seen in session)


def same_person(one, other):
    return one.strip().lower() == other.strip().lower()


class Reports:
    def read_reports(self):
        listed = {each["uin"]: each for each in self.issue.says["reports"] if self.audit or each["isp"] == self.part[0]}
        here = {name.split("/")[0] for name in self.under("data/cirs/")}
        for uin in sorted(set(listed) | here):
            self.check("9.2", uin in here, f"the report {uin} is listed and missing")
            if self.check("9.2", uin in listed, f"the report {uin} is not listed for this recipient") and uin in here:
                self.attempt("9.3", self.read_report, uin, listed[uin])

    def read_report(self, uin, listed):
        self.counts["9.3"] += 1
        data = self.read(f"data/cirs/{uin}/cir.json", MIB)
        need(sha(data) == listed["cir_sha256"], f"the report {uin} does not have the SHA-256 that the issue note lists")
        need(data.endswith(b"\n"), f"the report {uin} does not end with a line feed")
        report = fits("cir", canonical(data[:-1]))
        need(report["uin"] == uin and report["isp"]["id"] == listed["isp"], f"the report {uin} has another UIN or ISP")
        self.reports[uin] = report

    def sessions_of(self):
        """The session of each usable observation, as the list of its members in order (cir.md)."""
        self.echoes = {peer for peer, _, outcome in self.visits.values() if outcome == "echo"}
        self.echo_hosts = {endpoint(peer)[0] for peer in self.echoes}
        current, found = {}, {}
        for seen in sorted(self.seen.values(), key=lambda seen: (seen.first, seen.index)):
            if seen.peer in self.echoes or seen.incoming and seen.host in self.echo_hosts:
                continue
            session = current.get(seen.key)
            if session and seen.place == session[0].place and seen.first - end_of(session) <= GAP and \
                    seen.last - session[0].first <= LONGEST:
                session.append(seen)
            else:
                session = current[seen.key] = [seen]
            found[seen.index] = session
        return found

    def is_repetition(self, session):
        """Whether it is the same client on another connection, which a better session shows already."""
        start, end, own = session[0].first, end_of(session), {seen.peer_id for seen in session} - {None}
        if not any(seen.incoming for seen in session):
            return False
        for index, other in self.sessions.items():
            same = other is not session and other[0].index == index and \
                (other[0].torrent, other[0].host) == (session[0].torrent, session[0].host)
            if same and own & {seen.peer_id for seen in other} and other[0].first - end <= GAP and start - end_of(other) <= GAP and \
                    (not dialled_by_peer(other) or (other[0].first, index) < (start, session[0].index)):
                return True
        return False

    def is_corroborated(self, session):
        if len({endpoint(seen.observer)[0] for seen in session}) > 1:
            return True
        return session[0].client is not None and any(other is not session and (other[0].key, other[0].client) == (session[0].key, session[0].client) and
                                                     abs(other[0].first - session[0].first) <= LONGEST
                                                     for other in self.sessions.values())

    def check_reports(self):
        self.sessions, reported = self.sessions_of(), {}
        uins = [report["uin"] for index, note in self.counted if note.tag == "issue" and index < self.part[1]
                for report in note.says["reports"]]
        self.earlier = {int(uin.rpartition("-")[2]): uin for uin in uins}
        for uin, report in sorted(self.reports.items()):
            for entry in report["evidence"]:
                if not entry["control"]:
                    self.check("9.15", entry["index"] not in reported, f"observation {entry['index']} is in two reports")
                    reported[entry["index"]] = uin
            self.attempt("9.3", self.report, uin, report)
        for index in sorted(self.present):
            if self.fate(index) == "withheld":
                after_all = index in reported or any(seen.index in self.earlier for seen in self.sessions.get(index, ()))
                self.check("7.5", after_all, f"the opening of leaf {index} is there, but withheld, and no report rests on it")

    def report(self, uin, r):
        def check(step, fine, why):
            return self.check(step, fine, f"report {uin}: {why}")
        own = f"{self.log[-7:-3]}{self.log[-2:]}-{sha(self.log.encode())[:8]}-{r['evidence'][0]['index']}"
        check("9.4", uin == own, f"its UIN must be {own}")
        self.rules(r, check)
        self.attempt("9.17", self.notice, uin, r, check)
        enclosed = self.attempt("9.17", self.evidence_file, uin, r, check)
        observations = self.rests_on(uin, r, check)
        if observations is None:
            return
        indices, bodies = [index for index, _ in observations], [body for _, body in observations]
        self.control(r, bodies, enclosed, check)
        session = self.sessions.get(indices[0])
        exact = session is not None and [seen.index for seen in session] == indices
        check("9.6", exact, "its observations are not exactly one session, in its order")
        check("9.15", not any(index in self.earlier for index in indices), "an earlier issue reported one of its observations")
        if exact:
            check("9.15", not self.is_repetition(session), "it is a repetition: the same client on another connection")
        self.figures(r, bodies, session if exact else None, check)
        laboratory = {body["laboratory"] for body in bodies}
        check("9.16", laboratory == {r["profile"] == "laboratory/1"}, "laboratory/1 is the profile of a laboratory, and of no other")
        self.connection(r, bodies, check)
        self.clock(bodies, check)
        self.mandates(r, min(indices), bodies, check)
        self.dossier(r, min(indices), bodies, check)
        self.attribution(r, bodies[0], check)
        self.days(r, check)

    def rules(self, r, check):
        says = self.issue.says
        check("9.16", r["log"] == self.log and r["issued_at"] == says["at"], "log or instant are not the issue's")
        check("9.16", same_person(r["approver"], self.issue.holder), "the approver is not the person whose key signed the issue note")
        check("9.16", r["investigator"] == says["investigator"], "the investigator is not the issue note's")
        check("9.16", not same_person(r["approver"], r["investigator"]), "the approver is the investigator")
        known = any(key.role == "analyst" and key.index < self.part[1] < self.revoked.get(kid, 2**64) and
                    same_person(key.holder, r["investigator"]) for kid, key in self.keys.items())
        check("9.16", known, "the investigator holds no analyst key that counts at the issue")
        check("9.16", r["profile"] == says["profile"], "the profile is not the issue note's")
        check("9.16", (r["infringement_statement"], r["consent_statement"]) == (INFRINGEMENT, CONSENT), "the fixed sentences")

    def notice(self, uin, r, check):
        path = f"data/cirs/{uin}/notice.txt"
        text = self.read(path, 64 << 10).decode()
        host, port = endpoint(r["peer"]["address"])
        check("9.17", uin in text and str(host) in text and str(port) in text, "notice.txt lacks the UIN, the address or the port")
        marked = text.split("\n")[0] == LABORATORY
        check("9.17", marked == (r["profile"] == "laboratory/1"), "the first line marks a laboratory's report, and no other")
        ends = [endpoint(r["peer"]["address"]), endpoint(r["peer"]["observer"])]
        known = set(ends) | {(end[0], None) for end in ends}
        claims = [r["client"]] + [f["path"] for f in r["files"]] + [f["contains"] for f in r["files"]] + \
            [w["work"]["title"] for w in r["works"]]
        claims = [shown(claim) for claim in claims if claim is not None]
        for word in words(text) + words(r["description"]):
            address = as_address(word)
            fine = address is None or address in known or any(word in claim for claim in claims)
            check("9.17", fine, "the notice or the description speaks of another address than the two ends")

    def evidence_file(self, uin, r, check):
        """Gives the opening of the control visit, if it is enclosed."""
        entries, lines, visit = {entry["commitment"]: entry for entry in r["evidence"]}, set(), None
        leaves = set()
        data = self.read(f"data/cirs/{uin}/evidence.txt", 1 << 30)
        need(not data or data.endswith(b"\n"), "the last line of evidence.txt does not end")
        need(data.decode("utf-8") is not None, "evidence.txt is not UTF-8")
        for line in data.split(b"\n")[:-1]:
            line += b"\n"
            need(len(line) <= MIB, "a line of evidence.txt is longer than 1 MiB")
            if line.startswith(b"affiant.leaf/"):
                leaves.add(hashlib.sha256(b"\0" + line).hexdigest())
            elif re.match(rb"affiant\.(obs|cand|clock|run)/1", line):
                entry = entries.get(sha(line))
                lines.add(sha(line))
                if not check("9.17", entry, "evidence.txt holds an opening that the report does not rest on"):
                    continue
                erased = entry["index"] in self.erased
                self.check("7.4", not erased, f"report {uin}: evidence.txt holds an opening whose erasure is logged")
                if entry["control"] and not erased:
                    kind, value = decode(line)
                    need(kind == "observation", "the enclosed control visit is no observation")
                    visit = value["body"]
        for entry in r["evidence"]:
            there = entry["control"] or entry["index"] in self.erased or entry["commitment"] in lines
            check("9.17", there, f"evidence.txt lacks the opening of entry {entry['index']}")
            check("9.17", entry["leaf"] in leaves, f"evidence.txt lacks the leaf of entry {entry['index']}")
        return visit

    def rests_on(self, uin, r, check):
        """Step 9.5. The observations, or None if they are not all here: then nothing more can be derived."""
        fine, observed = True, [entry for entry in r["evidence"] if not entry["control"]]
        for entry in r["evidence"]:
            index = entry["index"]
            leaf = self.leaves[index] if index < min(self.size, self.part[1]) else None
            same = leaf and leaf[2] != "ctl" and leaf[3] == entry["commitment"] and self.hashes[index].hex() == entry["leaf"] and \
                entry["control"] == (leaf[2] == "audit")
            fine &= check("9.5", same, f"entry {index} is not the log's, or not of that kind, or not below the issue")
        kinds = "".join("c" if entry["control"] else "o" for entry in r["evidence"])
        once = len({entry["index"] for entry in r["evidence"]}) == len(kinds)
        fine &= check("9.5", re.fullmatch("o+c?", kinds) and once, "not the observations, each once, and then one control visit")
        gone = [entry["index"] for entry in observed if entry["index"] in self.erased]
        if gone:
            self.warn("9.5", f"report {uin} rests on observation {gone[0]}, erased since: it cannot be derived again")
            return None
        for entry in observed:
            fine &= check("9.5", entry["index"] in self.bodies, f"the opening of observation {entry['index']} is not here")
        return [(entry["index"], self.bodies[entry["index"]]) for entry in observed] if fine else None

    def control(self, r, bodies, enclosed, check):
        peer, own = bodies[0]["peer"], {entry["commitment"] for entry in r["evidence"] if not entry["control"]}
        stated = next((entry["index"] for entry in r["evidence"] if entry["control"]), None)
        dialled = any(body["direction"] == "outgoing" for body in bodies)
        check("9.11", dialled == (stated is not None), "a control visit is named exactly if the monitor dialled")
        echo = peer in self.echoes or any(body["direction"] == "incoming" for body in bodies) and endpoint(peer)[0] in self.echo_hosts
        check("9.11", not echo, "a control visit to the same address and port, or to another of a peer that dialled, ended in echo")
        if stated is None:
            return
        if not self.audit:
            self.warn("9.11", "whether any visit ended in echo only the audit bundle shows")
        visit = self.visits.get(stated)
        if visit is None and enclosed and enclosed["purpose"]["kind"] == "control":
            visit = (enclosed["peer"], enclosed["purpose"]["about"], enclosed["outcome"]["kind"])
        if visit is None:
            check("9.11", not self.audit and not enclosed, f"entry {stated} is no control visit")
            return
        cleared = visit[0] == peer and visit[1] in own and visit[2] == "no-echo"
        check("9.11", cleared, f"the control visit {stated} does not clear this session")

    def figures(self, r, bodies, session, check):
        stated, blocks = r["session"], [c for body in bodies for c in work_blocks(body)]
        errors = [body["times"]["error_ms"] for body in bodies]
        counted = {
            "observations": len(bodies), "blocks_verified": len(blocks), "pieces_verified": len({c["piece"] for c in blocks}),
            "bytes_verified": sum(c["length"] for c in blocks),
            "bytes_received": sum(body["volume"]["bytes_in"] for body in bodies),
            "piece_bytes_sent": sum(body["volume"]["piece_bytes_out"] for body in bodies),
            "runs": sorted({body["run"] for body in bodies}), "error_ms": None if None in errors else max(errors)}
        for name, value in counted.items():
            check("9.7", stated[name] == value, f"{name} is {stated[name]}, where the evidence gives {value}")
        if session:
            check("9.7", moment(stated["start"]) == session[0].first, "start is not the session's first")
            check("9.7", moment(stated["end"]) == end_of(session), "end is not the session's last")
            if self.audit:  # an opening that was erased since may have corroborated it
                fine = stated["corroborated"] == self.is_corroborated(session) or stated["corroborated"] and self.erased
            else:  # other sessions may have been withheld from an ISP; of this one it has everything
                fine = stated["corroborated"] or len({endpoint(seen.observer)[0] for seen in session}) == 1
            check("9.7", fine, "corroborated is not as the evidence says")

    def connection(self, r, bodies, check):
        first, peer = bodies[0], r["peer"]
        check("9.8", peer["address"] == first["peer"], "another address or port")
        check("9.8", peer["port_role"] == ("listening" if first["direction"] == "outgoing" else "ephemeral"), "another port role")
        for name in ("observer", "direction", "transport", "encryption"):
            check("9.8", peer[name] == first[name], f"another {name}")
        client = next((client for client in map(client_of, bodies) if client is not None), None)
        check("9.8", r["client"] == client, "another client")
        found = {body["found"]["source"] for body in bodies if body["found"]}
        check("9.8", r["sources"] == [each for each in ("tracker", "dht", "pex", "magnet", "local") if each in found], "other sources")
        for name in ("target", "config_sha256", "release_sha256"):
            check("9.8", r[name] == first[name], f"another {name}")

    def clock(self, bodies, check):
        for body in bodies:
            error = body["times"]["error_ms"]
            if error is not None:
                check("9.13", error <= 40, f"the clock's error was {error} ms")
            elif check("9.13", body["laboratory"], "the clock's error was not known"):
                self.warn("9.13", "the clock's error is not known, which is allowed in a laboratory only")

    def note(self, tag, digest):
        """The index and the note of that kind and digest, among those that count."""
        return next(((i, n) for i, n in self.counted if n.tag == tag and n.sha == digest), (None, None))

    def mandates(self, r, first, bodies, check):
        start, end, before = r["session"]["start"][:10], r["session"]["end"][:10], -1
        host = str(endpoint(r["peer"]["address"])[0])
        works = {c["work"] for body in bodies for c in work_blocks(body)}
        for work in r["works"]:
            index, note = self.note("mandate", work["mandate_sha256"])
            if not check("9.9", note, "a mandate that it names does not count"):
                continue
            mandate = note.says
            check("9.9", before < index < first, "a mandate was not logged before the first observation, or is not in the order logged")
            before = index
            same = all(mandate[name] == r[name] for name in ("owner", "agent", "authority"))
            check("9.9", same and (mandate["id"], mandate["work"]) == (work["mandate"], work["work"]), "a mandate says otherwise")
            torrent = any(each[v] is not None and each[v] == r["target"][v] for each in mandate["targets"] for v in ("v1", "v2"))
            check("9.9", torrent, "a mandate does not name the torrent")
            check("9.9", all(each["from"] <= start and start <= each["to"] and each["from"] <= end <= each["to"]
                             for each in (mandate, mandate["authority"])), "a mandate or authority was not in force all the time")
            check("9.9", host not in mandate["owner_seeds"], "the address is the owner's own")
            named = all(note.sha in body["mandates_sha256"] for body in bodies)
            check("9.9", named and mandate["id"] in works, "a mandate is not named by every observation and a verified block")

    def dossier(self, r, first, bodies, check):
        digests = {body["dossier_sha256"] for body in bodies}
        index, note = self.note("dossier", bodies[0]["dossier_sha256"])
        if not check("9.10", len(digests) == 1 and note, "not one dossier that counts"):
            return
        dossier = note.says
        check("9.10", index < first and dossier["target"] == r["target"], "a dossier logged too late, or of another torrent")
        people = {n.holder.strip().lower() for i, n in self.counted
                  if n.tag == "approval" and i < first and n.says["dossier_note_sha256"] == note.sha}
        check("9.10", len(people) >= 2, f"{len(people)} people approved the dossier before the first observation")
        size, listed, spans = dossier["piece_bytes"], {work["mandate"] for work in r["works"]}, []
        for c in (c for body in bodies for c in work_blocks(body)):
            start = c["piece"] * size + c["offset"]
            end = start + c["length"]
            number = block_number(dossier, c)
            over = [f for f in dossier["files"] if f["offset"] < end and start < f["offset"] + f["bytes"]]
            covered = sum(min(end, f["offset"] + f["bytes"]) - max(start, f["offset"]) for f in over)
            inside = covered == end - start and all(f["work"] == c["work"] and not f["padding"] for f in over)
            proof = inside and c["length"] >= 1024 and number is not None and number not in dossier["unfit_blocks"]
            check("9.10", proof, f"block {number} is no proof of the work")
            if c["work"] in listed:
                spans.append((start, end))
        files = [{name: f[name] for name in ("bytes", "contains", "path", "sha256", "work")} for f in dossier["files"]
                 if f["work"] in listed and any(s < f["offset"] + f["bytes"] and f["offset"] < e for s, e in spans)]
        check("9.10", r["files"] == files, "the files are not those of the dossier that the blocks lie in")

    def attribution(self, r, first, check):
        attribution, named = r["attribution"], set(self.issue.says["tables_sha256"])
        check("9.12", attribution == first["attribution"], "the attribution is not that of its first observation")
        check("9.12", attribution["class"] == "fixed" and attribution["isp"] == r["isp"]["id"], "the class or the ISP")
        check("9.12", attribution["asn"] is not None and (self.audit or f"as{attribution['asn']}" in self.part[2]), "the AS")
        check("9.12", set(attribution["tables"]) <= named, "the issue note does not name every table used")
        register = r["isp"]["register_sha256"]
        check("9.12", register in named and self.tables.get(register) == "isp-register", "the register")

    def days(self, r, check):
        start, stated = r["session"]["start"], r["deadlines"]
        gathered = min(day(start), uk_day(start))
        last = min(month_from(day(start)), month_from(uk_day(start)))
        check("9.14", stated["last"] == str(last), f"deadlines.last is {stated['last']} and not {last}")
        check("9.14", r["issued_at"] >= r["session"]["end"], "it was issued before the session's end")
        check("9.14", str(uk_day(r["issued_at"])) <= stated["last"], "it was issued after deadlines.last")
        week = [gathered + datetime.timedelta(days=n) for n in range(1, 32)]
        working = [str(each) for each in week if each.weekday() < 5][9:14]
        check("9.14", stated["target"] in working, "deadlines.target cannot be the tenth working day")
