"""How much of a request is read, and what it is called."""

import re
from collections.abc import Awaitable, Callable, Sequence

import pytest

from gateway.errors import BodyTooLarge, InvalidRequest, UnsupportedEncoding
from gateway.surface.body import CallerGone, mint_id, read_body, request_id

LIMIT = 100


class Sender:
    """A client that sends these pieces, and counts how many were asked for."""

    def __init__(self, pieces: Sequence[bytes], *, leaves: bool = False) -> None:
        self.pieces = pieces
        self.leaves = leaves
        self.asked = 0

    async def __call__(self) -> dict:
        self.asked += 1
        if self.asked > len(self.pieces):
            assert self.leaves, "more was read than was sent"
            return {"type": "http.disconnect"}
        more = self.leaves or self.asked < len(self.pieces)
        return {"type": "http.request", "body": self.pieces[self.asked - 1], "more_body": more}


async def read(receive: Callable[[], Awaitable[dict]], *headers: tuple[bytes, bytes]) -> bytes:
    return await read_body({"type": "http", "headers": list(headers)}, receive, LIMIT)


@pytest.mark.parametrize("pieces", [[b""], [b"abc"], [b"a", b"", b"bc"], [b"x" * LIMIT], [b"x"] * LIMIT], ids=len)
async def test_whole(pieces: list[bytes]) -> None:
    """A body up to the limit arrives whole, however it was cut."""
    sender = Sender(pieces)

    assert await read(sender) == b"".join(pieces)
    assert sender.asked == len(pieces)


async def test_sparse_messages() -> None:
    """A server may leave out what is empty."""

    async def receive() -> dict:
        return {"type": "http.request"}

    assert await read(receive) == b""


@pytest.mark.parametrize("length", [b"101", b"9" * 5000], ids=["one too many", "absurd"])
async def test_declared_too_large(length: bytes) -> None:
    """A declared length over the limit is a 413 before one byte is read (C6)."""
    sender = Sender([])

    with pytest.raises(BodyTooLarge) as caught:
        await read(sender, (b"content-length", length))

    assert (caught.value.status, sender.asked) == (413, 0)
    assert "100" in str(caught.value)


async def test_declared_nonsense() -> None:
    """A length that is no number is the caller's fault."""
    with pytest.raises(InvalidRequest, match="Content-Length"):
        await read(Sender([]), (b"content-length", "١٢".encode()))


async def test_counted_too_large() -> None:
    """An endless chunked body is cut off at the first byte too many (C6)."""
    sender = Sender([b"x" * 40] * 1000)

    with pytest.raises(BodyTooLarge):
        await read(sender)

    assert sender.asked == 3


async def test_one_piece_too_large() -> None:
    """A first piece over the limit is refused, also when it is the only one."""
    with pytest.raises(BodyTooLarge):
        await read(Sender([b"x" * 101]))


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd", b"gzip, identity", b"\xff"])
async def test_compressed(coding: bytes) -> None:
    """A compressed body is a 415 before it is read, so none can explode (C7)."""
    sender = Sender([])

    with pytest.raises(UnsupportedEncoding) as caught:
        await read(sender, (b"content-encoding", coding))

    assert (caught.value.status, sender.asked) == (415, 0)


@pytest.mark.parametrize("coding", [b"identity", b" Identity ", b""])
async def test_identity(coding: bytes) -> None:
    """Saying that it is not compressed is no compression."""
    assert await read(Sender([b"x"]), (b"content-encoding", coding), (b"content-length", b"1")) == b"x"


async def test_gone() -> None:
    """A caller that leaves before the end has sent no request."""
    with pytest.raises(CallerGone):
        await read(Sender([b"{"], leaves=True))


WELL_FORMED = [b"a", b"A-b_c.9", b"x" * 64, b"0f8fad5b-d9cb-469f-a165-70867728950e"]
MALFORMED = [b"", b"x" * 65, b"a b", b"a\n", b"a\r\nset-cookie: x", b"a/b", b"\xc3\xa9", b"a;b", b"<script>", b"a\x00"]


@pytest.mark.parametrize("value", WELL_FORMED)
def test_own_id(value: bytes) -> None:
    """A well-formed id of the caller's is kept."""
    assert request_id([(b"host", b"h"), (b"x-request-id", value)]) == value.decode()


@pytest.mark.parametrize("value", MALFORMED)
def test_malformed_id(value: bytes) -> None:
    """What could break a header or a log line is replaced (S8, S9)."""
    found = request_id([(b"x-request-id", value)])

    assert re.fullmatch(r"req-[0-9a-f]+-[0-9a-f]+", found)


def test_minted_ids() -> None:
    """Ids of ours never repeat, and are well formed by our own rule."""
    ids = {mint_id() for _ in range(1000)} | {request_id([])}

    assert len(ids) == 1001
    assert all(request_id([(b"x-request-id", each.encode())]) == each for each in ids)
