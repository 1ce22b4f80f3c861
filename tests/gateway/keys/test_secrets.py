"""New keys: enough chance, one form, a hash that others can check."""

import hashlib
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.keys.secrets import SECRET_BYTES, base62, digest, mint

FORM = re.compile(r"qk_([0-9a-z]{12})_([0-9A-Za-z]{43})")


def test_a_key_has_one_form():
    """``qk_<id>_<secret>``, letters and digits only: one double click, no quoting anywhere."""
    for minted in (mint() for _ in range(200)):
        found = FORM.fullmatch(minted.secret)

        assert found is not None
        assert found[1] == minted.id


def test_no_two_keys_are_alike():
    """Neither ids nor secrets repeat."""
    minted = [mint() for _ in range(1000)]

    assert len({each.id for each in minted}) == 1000
    assert len({each.secret for each in minted}) == 1000


def test_the_secret_holds_256_bits():
    """The writing loses nothing: 32 bytes in, a number of 43 digits out, and each bit counts."""
    assert SECRET_BYTES * 8 == 256
    assert base62(b"\xff" * 32) != base62(b"\xff" * 31 + b"\xfe")
    assert base62(b"\x00" * 32) == "0" * 43
    assert len(base62(b"\xff" * 32)) == 43
    assert 62**43 > 2**256


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_different_bytes_are_different_secrets(one, other):
    """The writing is one to one."""
    assert (one == other) == (base62(one) == base62(other))


def test_the_hash_is_the_whole_strings():
    """The hash is plain SHA-256 of what travels, prefix and id included, as any tool computes it."""
    minted = mint()

    assert minted.hash == "sha256:" + hashlib.sha256(minted.secret.encode()).hexdigest()
    assert minted.hash == f"sha256:{digest(minted.secret)}"
    assert digest(minted.secret) == digest(minted.secret.encode())


def test_a_minted_key_does_not_show_its_secret_by_accident():
    """Neither ``repr`` nor ``str`` holds the secret, so a log line or a traceback cannot."""
    minted = mint()

    assert minted.secret not in f"{minted!r} {minted} {[minted]}"
    assert minted.id in repr(minted)
