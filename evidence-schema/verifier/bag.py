"""A bundle's files, from a folder or an archive, within the limits of bundle.md: path -> (size, how to read it)."""
import os
import stat
import struct
import zlib

from .forms import Refused, need, sha, whole

MIB = 1 << 20


class NoBundle(Exception):
    """There is nothing there that could be a bundle."""


def good_path(path):
    need(whole(r"[A-Za-z0-9._/-]{1,200}", path) and not {"", ".", ".."} & set(path.split("/")), f"path {path[:80]!r}")
    return path


def read_disk(full, size):
    with open(full, "rb") as file:
        data = file.read(size + 1)
    need(len(data) == size, "the file is not as long as it was")
    return data


def open_folder(root):
    entries = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            full = os.path.join(folder, name)
            info = os.lstat(full)
            path = good_path(os.path.relpath(full, root).replace(os.sep, "/"))
            need(path.count("/") <= 8, f"{path} is nested too deep")
            need(stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode), f"{path} is a link or a special file")
            if stat.S_ISREG(info.st_mode):
                entries[path] = (info.st_size, lambda full=full, size=info.st_size: read_disk(full, size))
            need(len(entries) <= 100_000, "more than 100,000 files")
    return entries


def widened(extra, fields):
    """Values that did not fit 32 bits stand in the one extra field that is allowed, of kind 1."""
    more = [i for i, field in enumerate(fields) if field == 0xFFFFFFFF]
    need(len(extra) == (8 * len(more) + 4 if more else 0), "an extra field in the archive")
    if more:
        kind, length, *values = struct.unpack(f"<HH{len(more)}Q", extra)
        need((kind, length) == (1, 8 * len(more)), "an extra field in the archive")
        for i, value in zip(more, values):
            fields[i] = value
    return fields


def unpack(file, at, packed, size, method, crc):
    file.seek(at)
    data = file.read(packed)
    if method == 8:
        engine = zlib.decompressobj(-15)
        try:
            data = engine.decompress(data, size + 1)
        except zlib.error as fault:
            raise Refused(f"the packed bytes are damaged ({fault})") from None
        need(engine.eof and not engine.unused_data, "the packed bytes do not end where they should")
    need(len(data) == size and zlib.crc32(data) == crc, "the unpacked bytes have another length or sum")
    return data


def find_directory(file):
    """Where the archive's directory begins, how long it is and how many entries it has."""
    end = file.seek(0, 2) - 22
    need(end >= 0, "the archive is shorter than its last record")
    file.seek(end)
    magic, disk, disk_too, here, count, length, start, comment = struct.unpack("<IHHHHIIH", file.read(22))
    need(magic == 0x06054B50 and disk == disk_too == 0 and here == count and comment == 0, "the archive's last record")
    if count == 0xFFFF or length == 0xFFFFFFFF or start == 0xFFFFFFFF:
        need(end >= 76, "the archive's 64-bit record is missing")
        file.seek(end - 76)
        record = struct.unpack("<IQHHIIQQQQIIQI", file.read(76))
        end -= 76
        need((record[0], record[10], record[12]) == (0x06064B50, 0x07064B50, end), "the archive's 64-bit record")
        count, length, start = record[7:10]
    need(count <= 100_000 and length <= count * 310, "more than 100,000 entries, or a directory that is too long")
    need(start + length == end, "the directory is not directly before the archive's last record")
    return start, length, count


def open_archive(file):
    start, length, count = find_directory(file)
    file.seek(start)
    directory, entries, place, last, used = file.read(length), {}, 0, "", 0
    for _ in range(count):
        need(used + 46 <= length, "the directory is cut off")
        (magic, made, version, flags, method, date, crc, packed, size, name, extra, comment, disk, _, attributes, offset) = \
            struct.unpack("<IHHHHIIIIHHHHHII", directory[used:used + 46])
        path = good_path(directory[used + 46:used + 46 + name].decode("ascii"))
        size, packed, offset = widened(directory[used + 46 + name:used + 46 + name + extra], [size, packed, offset])
        used += 46 + name + extra
        plain = magic == 0x02014B50 and flags in (0, 0x800) and method in (0, 8) and date == 0x00210000 and comment == disk == 0
        need(plain and attributes >> 28 in (0, 8) and not attributes & 0x10, f"{path}: its flags, method, date or kind of file")
        need(path > last and offset == place, f"{path}: not in order of path, or not directly after the entry before")
        file.seek(offset)
        local = struct.unpack("<IHHHIIIIHH", file.read(30))
        same = local[:6] == (0x04034B50, version, flags, method, date, crc) and file.read(local[8]) == path.encode()
        need(same and widened(file.read(local[9]), [local[7], local[6]]) == [size, packed], f"{path}: its local header")
        need(size <= MIB or size // 200 <= packed, f"{path}: unpacks to more than 200 times its packed size")
        data = offset + 30 + local[8] + local[9]
        place, last = data + packed, path
        entries[path] = (size, lambda at=(file, data, packed, size, method, crc): unpack(*at))
    need(place == start and used == length, "bytes that belong to no entry")
    return entries


def open_bag(where):
    """Every file: path -> (size, how to read it, SHA-256 or None if it cannot be read). Refused if a limit is passed."""
    if os.path.isdir(where):
        entries = open_folder(where)
    else:
        file = open(where, "rb")
        if file.read(4) not in (b"PK\3\4", b"PK\5\6"):
            raise NoBundle(f"{where} is neither a folder nor a zip archive")
        try:
            entries = open_archive(file)
        except (struct.error, UnicodeDecodeError) as fault:
            raise Refused(f"the archive contradicts itself ({fault})") from None
    sizes = {path: size for path, (size, _) in entries.items()}
    need(len(sizes) <= 100_000 and sum(sizes.values()) <= 8 << 30, "more than 100,000 files, or more than 8 GiB")
    need(max(sizes.values(), default=0) <= 1 << 30, "a file of more than 1 GiB")
    return {path: (size, read, digest(read)) for path, (size, read) in entries.items()}


def digest(read):
    try:
        return sha(read())
    except (Refused, OSError):
        return None
