"""Who may pass, and what the others are told."""

import hashlib
import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from gateway.bedrock.signing import Credentials, sign
from gateway.errors import ModelNotAllowed, NotAuthenticated
from gateway.keys import sigv4
from gateway.keys.model import Key
from gateway.surface.guard import Guard, require

Headers = list[tuple[bytes, bytes]]


def key_of(secret: bytes, name: str = "k") -> Key:
    return Key(id=name, name=name, owner="o", hash=hashlib.sha256(secret).hexdigest())


@pytest.fixture
def guard(key: Key) -> Guard:
    return Guard([key])


ACCEPTED = {
    "bearer": [(b"authorization", b"Bearer %s")],
    "bearer in lower case": [(b"authorization", b"bearer %s")],
    "spaces around": [(b"authorization", b"  Bearer   %s  ")],
    "Anthropic's header": [(b"x-api-key", b"%s")],
    "Azure's header": [(b"api-key", b"%s")],
    "the same in two headers": [(b"authorization", b"Bearer %s"), (b"x-api-key", b"%s")],
    "beside other headers": [(b"host", b"h"), (b"authorization", b"Bearer %s"), (b"cookie", b"x")],
    "an empty header beside": [(b"x-api-key", b""), (b"authorization", b"Bearer %s")],
}


@pytest.mark.parametrize("headers", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted(guard: Guard, key: Key, secret: str, headers: Headers) -> None:
    """The key is found in each header that a client of ours may use."""
    assert guard.key([(name, value.replace(b"%s", secret.encode())) for name, value in headers]) == key


REFUSED = {
    "nothing": [],
    "empty": [(b"authorization", b"")],
    "scheme alone": [(b"authorization", b"Bearer")],
    "scheme and spaces": [(b"authorization", b"Bearer   ")],
    "secret alone": [(b"authorization", b"%s")],
    "another scheme": [(b"authorization", b"Basic %s")],
    "unknown": [(b"authorization", b"Bearer qk_other_0123456789abcdef")],
    "first half": [(b"authorization", b"Bearer qk_search_0123456789abcdef")],
    "one more character": [(b"authorization", b"Bearer %sx")],
    "other case": [(b"authorization", b"Bearer QK_SEARCH_0123456789ABCDEF0123456789ABCDEF")],
    "two secrets in one": [(b"authorization", b"Bearer %s %s")],
    "not ASCII (S5)": [(b"authorization", "Bearer \uff51k_search".encode())],
    "not UTF-8": [(b"authorization", b"Bearer \xff\xfe")],
    "NUL": [(b"authorization", b"Bearer %s\x00")],
    "two that differ": [(b"authorization", b"Bearer %s"), (b"x-api-key", b"other")],
    "two authorizations": [(b"authorization", b"Bearer %s"), (b"authorization", b"Bearer other")],
    "in a header of no meaning": [(b"x-goog-api-key", b"%s")],
    "SQL (S2)": [(b"authorization", b"Bearer ' OR 1=1 --")],
    "100 kB": [(b"authorization", b"Bearer " + b"x" * 100_000)],
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED.keys())
def test_refused(guard: Guard, secret: str, headers: Headers) -> None:
    """Anything but exactly one known key is a 401 that says what to do and repeats nothing (S1, S6)."""
    sent = [(name, value.replace(b"%s", secret.encode())) for name, value in headers]

    with pytest.raises(NotAuthenticated) as caught:
        guard.key(sent)

    assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")
    assert secret not in str(caught.value)
    assert "key" in str(caught.value)
    assert len(str(caught.value)) < 200


def test_hash_is_no_key(guard: Guard, key: Key) -> None:
    """What the configuration holds opens nothing: only the secret behind it does."""
    with pytest.raises(NotAuthenticated):
        guard.key([(b"authorization", f"Bearer {key.hash}".encode())])


def test_no_plaintext(guard: Guard, secret: str) -> None:
    """After a request the guard holds no secret, in no attribute (S4)."""
    guard.key([(b"x-api-key", secret.encode())])

    held = repr([getattr(guard, name) for name in Guard.__slots__]) + repr(inspect.getmembers(guard))
    assert secret not in held


def test_hash_in_capitals(secret: str) -> None:
    """A hash written in capitals is the same hash."""
    key = key_of(secret.encode())
    shouted = Key(id="k", name="k", owner="o", hash=key.hash.upper())

    assert Guard([shouted]).key([(b"x-api-key", secret.encode())]) == shouted


def test_replace(guard: Guard, key: Key, secret: str) -> None:
    """After a reload the old keys are strangers and the new ones are known."""
    new = key_of(b"new")

    guard.replace([new])

    assert guard.key([(b"x-api-key", b"new")]) == new
    with pytest.raises(NotAuthenticated):
        guard.key([(b"x-api-key", secret.encode())])


@given(st.lists(st.binary(min_size=1, max_size=12), unique=True, min_size=2, max_size=5))
def test_each_its_own(secrets: list[bytes]) -> None:
    """Every secret finds its own key, however alike they look (S5)."""
    stripped = {secret.strip() for secret in secrets} - {b""}
    keys = {secret: key_of(secret, str(place)) for place, secret in enumerate(stripped)}
    guard = Guard(keys.values())

    assert {secret: guard.key([(b"x-api-key", secret)]) for secret in stripped} == keys


def test_require() -> None:
    """A scope that the key lacks is a 403 naming it; an admin's key has them all."""
    data = key_of(b"x")
    admin = Key(id="a", name="a", owner="o", hash="", scopes=frozenset({"admin"}))

    require(data, "invoke")
    require(admin, "metrics")
    with pytest.raises(ModelNotAllowed, match='"metrics"') as caught:
        require(data, "metrics")

    assert caught.value.status == 403


PEPPER = "0123456789abcdef" * 4
NOW = 1_795_824_000


def sealed(key_id: str, *more: tuple[bytes, bytes]) -> dict[str, object]:
    """The scope of a request that the owner of a key has signed."""
    pair = Credentials(sigv4.access_key_id(key_id), sigv4.secret_access_key(PEPPER, key_id))
    made = sign(pair, host="h", path="/bedrock/x", body=b"{}", headers={}, region="us-west-2", at=NOW)
    headers = [*((name.encode(), value.encode()) for name, value in made.items()), *more]
    return {"method": "POST", "raw_path": b"/bedrock/x", "query_string": b"", "scheme": "http", "headers": headers}


def signing_guard(*, pepper: str | None = PEPPER, sigv4: bool = True) -> Guard:
    return Guard([structs.replace(key_of(b"s", "signer"), sigv4=sigv4)], pepper=pepper, now=lambda: NOW)


def test_a_seal() -> None:
    """It names the key before the body is there, and holds for that body alone."""
    seal = signing_guard().seal(sealed("signer"))

    assert seal is not None
    assert seal.key.id == "signer"
    seal.check(b"{}")
    with pytest.raises(NotAuthenticated):
        seal.check(b"{ }")


def test_no_seal() -> None:
    """A request that carries its key has none."""
    assert signing_guard().seal({"headers": [(b"authorization", b"Bearer x")]}) is None
    assert signing_guard().seal({"headers": []}) is None


UNSEALED = {
    "no pepper": (signing_guard(pepper=None), sealed("signer")),
    "a key that may not sign": (signing_guard(sigv4=False), sealed("signer")),
    "a key that is not there": (signing_guard(), sealed("other")),
    "a key beside the signature": (signing_guard(), sealed("signer", (b"x-api-key", b"s"))),
}


@pytest.mark.parametrize(("guard", "scope"), UNSEALED.values(), ids=UNSEALED.keys())
def test_a_seal_of_nobody(guard: Guard, scope: dict[str, object]) -> None:
    """Whoever may not sign is refused by the head alone."""
    with pytest.raises(NotAuthenticated):
        guard.seal(scope)


def test_a_revoked_seal() -> None:
    """Removed keys are gone with the next look."""
    guard = signing_guard()
    guard.replace([])

    with pytest.raises(NotAuthenticated):
        guard.seal(sealed("signer"))
