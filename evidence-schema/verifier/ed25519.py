"""Ed25519, strictly: canonical keys, s below the group order, no point of small order, the equation without the cofactor.

The strictness is checked here in every case. The equation is left to the package `cryptography` if it is there, because that is
fifteen times faster; what remains if it is not there is RFC 8032 with a table of multiples for each key."""
import hashlib
try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except Exception:  # a broken installation is as good as none
    Ed25519PublicKey = None

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
NEUTRAL = (0, 1, 1, 0)  # points are (X, Y, Z, T): x = X/Z, y = Y/Z, x*y = T/Z


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    return (f - e) * (h - g) % P, (h + g) * (f + e) % P, (h - g) * (h + g) % P, (f - e) * (f + e) % P


def decode(raw):
    """The point, or None if the 32 bytes are not the canonical encoding of one."""
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def encode(point):
    inverse = pow(point[2], P - 2, P)
    return (point[1] * inverse % P | (point[0] * inverse % P & 1) << 255).to_bytes(32, "little")


def is_small(point):
    for _ in range(3):
        point = add(point, point)
    return point[0] == 0 and point[1] == point[2]


SMALL_Y = set()  # the y of the eight points of small order, by the formula and not by heart
for _y in (0, 1, P - 1):
    SMALL_Y.add(_y)
_r = 1  # the points of order 8 have y² = (±sqrt(1 + d) - 1) / d
_root = pow(1 + D, (P + 3) // 8, P)
_root = _root if (_root * _root - 1 - D) % P == 0 else _root * ROOT_OF_MINUS_ONE % P
for _s in (_root, P - _root):
    _square = (_s - 1) * pow(D, P - 2, P) % P
    _y = pow(_square, (P + 3) // 8, P)
    _y = _y if (_y * _y - _square) % P == 0 else _y * ROOT_OF_MINUS_ONE % P
    if (_y * _y - _square) % P == 0:
        SMALL_Y.update((_y, P - _y))


def multiples(point):
    """For each of 64 digits of four bits the multiples 0 to 15, so that a product is 64 additions."""
    rows = []
    for _ in range(64):
        row = [NEUTRAL]
        while len(row) < 16:
            row.append(add(row[-1], point))
        rows.append(row)
        point = add(row[15], point)
    return rows


def product(rows, number):
    total = NEUTRAL
    for row in rows:
        total, number = add(total, row[number & 15]), number >> 4
    return total


class Key:
    base = None

    def __init__(self, raw):
        point = decode(raw)
        self.raw, self.kid, self.rows = raw, hashlib.sha256(raw).hexdigest()[:16], None
        self.good = point is not None and not is_small(point)
        if self.good:
            self.minus = (P - point[0], point[1], 1, P - point[3])
            self.fast = Ed25519PublicKey.from_public_bytes(raw) if Ed25519PublicKey else None

    def verify(self, signature, message):
        s, y = int.from_bytes(signature[32:], "little"), int.from_bytes(signature[:32], "little") & (2**255 - 1)
        if len(signature) != 64 or not self.good or s >= ORDER or y in SMALL_Y:
            return False
        if self.fast:
            try:
                self.fast.verify(signature, message)
                return True
            except Exception:
                return False
        if Key.base is None:
            Key.base = multiples(decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")))
        if self.rows is None:
            self.rows = multiples(self.minus)
        k = int.from_bytes(hashlib.sha512(signature[:32] + self.raw + message).digest(), "little") % ORDER
        return encode(add(product(Key.base, s), product(self.rows, k))) == signature[:32]
