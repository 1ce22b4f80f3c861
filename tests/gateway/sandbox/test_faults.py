"""Every fault on the wire, planted and lifted over the sandbox's own API."""

import json
import time

import pytest

from gateway.bedrock.frames import Decoder
from gateway.sandbox.faults import Match, Throttle
from gateway.sandbox.faults.planted import Faults

COUNT = json.dumps({"prompt": "[INST] Count to 30 [/INST]"}).encode()


def payload_of(raw):
    """The chunked body of a raw HTTP reply, and whether its last, empty chunk came."""
    _, _, rest = raw.partition(b"\r\n\r\n")
    body = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return body, True
        body, rest = body + rest[:length], rest[length + 2 :]
    return body, False


def whole_frames(body):
    """How many whole frames a body holds, and the bytes that are left."""
    count = 0
    while len(body) >= 4 and len(body) >= int.from_bytes(body[:4], "big"):
        body = body[int.from_bytes(body[:4], "big") :]
        count += 1
    return count, body


async def plant(wire, kind, **fields):
    return await wire.own("PUT", "faults/planted", {"kind": kind, **fields})


@pytest.mark.parametrize(
    ("kind", "status", "name"), [("throttle", 429, "throttlingexception"), ("not_ready", 429, "modelnotreadyexception")]
)
async def test_refusals_are_told_apart_by_the_header_alone(wire, llama, kind, status, name):
    """A throttle and a cold model share a status."""
    await plant(wire, kind)
    got, headers, _ = await wire.ask("POST", wire.invoke_path(llama), {"prompt": "hi"})

    assert got == status
    assert headers["x-amzn-errortype"].startswith(name + ":")


async def test_coral_200_says_success_and_means_nothing(wire, llama):
    """The status lies."""
    await plant(wire, "coral_200")
    status, _, body = await wire.ask("POST", wire.invoke_path(llama), {"prompt": "hi"})

    assert status == 200
    assert "UnknownOperationException" in body["Output"]["__type"]


async def test_reset_is_rst(wire, world, llama):
    """The caller's socket sees a reset, and no work was done."""
    await plant(wire, "reset")

    with pytest.raises(ConnectionResetError):
        await wire.raw("POST", wire.invoke_path(llama), COUNT)
    assert [record.output_tokens for record in world.log] == [0]


async def test_commit_then_drop_works_and_says_nothing(wire, world, llama):
    """Not a byte comes back, yet the tokens were generated: the case in which a retry pays twice."""
    await plant(wire, "commit_then_drop", times=1)
    raw = await wire.raw("POST", wire.invoke_path(llama), COUNT)
    record = next(iter(world.log))

    assert raw == b""
    assert record.completed
    assert record.output_tokens > 30
    assert record.status is None


async def test_close_without_end_withholds_the_rest_in_good_order(wire, llama):
    """Whole frames and a proper end of the HTTP body, but no terminal chunk."""
    await plant(wire, "close_without_end", after_chunks=5)
    body, ended = payload_of(await wire.raw("POST", wire.stream_path(llama), COUNT))

    assert ended
    assert whole_frames(body) == (5, b"")


async def test_close_without_end_strikes_the_last_chunk_of_a_short_stream(wire, llama):
    """However large ``after_chunks``, the terminal chunk never comes."""
    whole, _ = payload_of(await wire.raw("POST", wire.stream_path(llama), COUNT))
    await plant(wire, "close_without_end", after_chunks=10_000)
    cut, ended = payload_of(await wire.raw("POST", wire.stream_path(llama), COUNT))

    assert ended
    assert whole_frames(cut)[0] == whole_frames(whole)[0] - 1


@pytest.mark.parametrize("clean", [True, False])
async def test_cut_mid_frame(wire, llama, clean):
    """Half a frame, then the end: of the HTTP body, or of the connection."""
    await plant(wire, "cut_mid_frame", after_chunks=2, clean=clean)
    body, ended = payload_of(await wire.raw("POST", wire.stream_path(llama), COUNT))
    count, rest = whole_frames(body)

    assert ended is clean
    assert count == 2
    assert 0 < len(rest) < int.from_bytes(rest[:4], "big")


async def test_bad_crc_flips_the_checksum(wire, llama):
    """The frame's length is right, its checksum is not."""
    await plant(wire, "bad_crc", after_chunks=1)
    body, _ = payload_of(await wire.raw("POST", wire.stream_path(llama), COUNT))
    decoder = Decoder()

    assert whole_frames(body) == (2, b"")
    assert len(decoder.feed(body)) == 1
    with pytest.raises(ValueError, match=r"CRC|checksum"):
        decoder.end()


async def test_drip_splits_anywhere_and_loses_nothing(wire, llama):
    """The same bytes in many small chunks."""
    whole, _ = payload_of(await wire.raw("POST", wire.stream_path(llama), COUNT))
    await plant(wire, "drip", body_bytes=3)
    raw = await wire.raw("POST", wire.stream_path(llama), COUNT)

    assert payload_of(raw) == (whole, True)
    assert raw.count(b"\r\n3\r\n") > len(whole) / 4


async def test_slow_first_token_holds_even_the_status_line(wire, llama):
    """Nothing comes before the time is over."""
    await plant(wire, "slow_first_token", seconds=0.2)
    began = time.monotonic()
    reader, writer = await wire.open("POST", wire.stream_path(llama), COUNT)
    await reader.read(1)
    waited = time.monotonic() - began
    writer.close()

    assert waited >= 0.19


async def test_stall_comes_after_its_chunks_and_the_rest_follows(wire, llama):
    """Silence in the middle of a stream, then the whole of it."""
    await plant(wire, "stall", after_chunks=3, seconds=0.2)
    reader, writer = await wire.open("POST", wire.stream_path(llama), COUNT, [("connection", "close")])
    began = time.monotonic()
    first = await reader.readuntil(b"\r\n\r\n")
    raw = first + await reader.read()
    waited = time.monotonic() - began
    writer.close()

    assert payload_of(raw)[1]
    assert waited >= 0.19


async def test_caller_who_leaves_a_stall_ends_it(wire, world, llama, until):
    """A stall of an hour does not keep a request alive whose caller has gone."""
    await plant(wire, "stall", after_chunks=0, seconds=3600)
    reader, writer = await wire.open("POST", wire.stream_path(llama), COUNT)
    await reader.readuntil(b"\r\n\r\n")
    writer.close()
    record = next(iter(world.log))
    await until(lambda: record.ended_at is not None)

    assert record.client_closed_at is not None
    assert record.output_tokens <= 1


async def test_faults_of_streams_leave_whole_replies_alone(wire, llama):
    """A whole reply neither meets such a fault nor uses it up."""
    await plant(wire, "bad_crc", times=1)
    status, _, _ = await wire.ask("POST", wire.invoke_path(llama), {"prompt": "hi"})
    listed = (await wire.own("GET", "faults"))["faults"]

    assert status == 200
    assert [(fault["hits"], fault["remaining"]) for fault in listed] == [(0, 1)]


async def test_match_narrows_by_operation_and_arn(wire, world, llama):
    """Only the requests meant meet the fault."""
    await plant(wire, "throttle", match={"operation": "InvokeModel", "arn": "*provisioned-model/c3*"})
    titan = world.shelf.find("titan-support").arn
    struck, _, _ = await wire.ask("POST", wire.invoke_path(llama), {"prompt": "hi"})
    other, _, _ = await wire.ask("POST", wire.invoke_path(titan), {"inputText": "hi"})
    streamed = await wire.raw("POST", wire.stream_path(llama), COUNT)

    assert (struck, other) == (429, 200)
    assert streamed.startswith(b"HTTP/1.1 200")


async def test_faults_are_listed_lifted_and_cleared(wire, llama):
    """The list shows name, kind, hits and what remains; lifting and clearing end them."""
    await wire.own("PUT", "faults/one", {"kind": "throttle", "times": 2})
    await wire.own("PUT", "faults/two", {"kind": "drip"})
    await wire.ask("POST", wire.invoke_path(llama), {"prompt": "hi"})
    listed = (await wire.own("GET", "faults"))["faults"]
    await wire.own("DELETE", "faults/one")
    status, _, _ = await wire.ask("POST", wire.invoke_path(llama), {"prompt": "hi"})
    missing, _, _ = await wire.ask("DELETE", "/_sandbox/faults/one")
    emptied = await wire.own("DELETE", "faults")

    assert [(fault["name"], fault["kind"], fault["hits"], fault["remaining"]) for fault in listed] == [
        ("one", "throttle", 1, 1),
        ("two", "drip", 1, None),
    ]
    assert status == 200
    assert missing == 404
    assert emptied == {"faults": []}


@pytest.mark.parametrize(
    "body",
    [{"kind": "flood"}, {"kind": "stall", "second": 3}, {"kind": "throttle", "times": 0}, {"kind": "error"}, [], "x"],
    ids=["unknown kind", "unknown field", "no times", "missing name", "list", "string"],
)
async def test_a_fault_that_makes_no_sense_is_refused(wire, body):
    """A misspelt fault must not pass for one that never strikes."""
    status, _, told = await wire.ask("PUT", "/_sandbox/faults/odd", body)

    assert status == 400
    assert told["message"]


def test_spent_faults_stay_listed_and_idle():
    """``times`` counts requests met, exactly."""
    faults = Faults()
    faults.plant("twice", Throttle(times=2, match=Match(operation="Invoke*")))
    met = [list(faults.meet("InvokeModel", ("arn",), streams=False)) for _ in range(3)]

    assert met == [["twice"], ["twice"], []]
    assert [planted.hits for _, planted in faults] == [2]
