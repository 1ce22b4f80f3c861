"""Making keys and hashing them. Knows no store, prints nothing and keeps nothing."""

import secrets
from hashlib import sha256

from msgspec import Struct

PREFIX = "qk"
ALGORITHM = "sha256:"  # stands before the digest wherever a hash is written
SECRET_BYTES = 32
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH = 43  # the fewest base-62 digits that hold 256 bits
_ID_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 12


class Minted(Struct, frozen=True):
    """A new key. The only value in the gateway that holds a secret: show it once and let it go.

    Attributes:
        id: Shown in logs and listings; the middle of the secret.
        secret: ``qk_<id>_<43 letters and digits>``, the whole string that a caller sends.
        hash: ``sha256:`` and the hex SHA-256 of the whole string: what the configuration holds.
    """

    id: str
    secret: str
    hash: str

    def __repr__(self) -> str:
        """Without the secret, for a traceback or a log line may show it."""
        return f"Minted(id={self.id!r}, secret='***', hash={self.hash!r})"


def mint() -> Minted:
    """A key with 256 bits from the operating system's generator.

    Base 62, so that a double click selects all of it and no shell, header or URL needs it quoted. With that many
    random bits a plain SHA-256 cannot be searched; a slow hash or a pepper would guard nothing more.
    """
    key_id = "".join(secrets.choice(_ID_DIGITS) for _ in range(_ID_LENGTH))
    secret = f"{PREFIX}_{key_id}_{base62(secrets.token_bytes(SECRET_BYTES))}"
    return Minted(key_id, secret, ALGORITHM + digest(secret))


def digest(secret: str | bytes) -> str:
    """The hex SHA-256, 64 lower-case digits, of a whole key string as it travels (UTF-8)."""
    return sha256(secret.encode() if isinstance(secret, str) else secret).hexdigest()


def base62(number_bytes: bytes) -> str:
    """256 bits as 43 letters and digits."""
    number = int.from_bytes(number_bytes, "big")
    digits = []
    for _ in range(_SECRET_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
