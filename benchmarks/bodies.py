"""What travels in a benchmark: the requests, and the replies of the stub. Must never import the gateway it helps to judge.

Sizes are those of a small real exchange: a chat of four messages in 1.1 KB, a whole reply of 623 bytes, a streamed reply of 64 frames
in 16 KB. They are fixed, so that figures of different days can stand side by side.
"""

import struct
from binascii import b2a_base64, crc32
from urllib.parse import quote

import msgspec

PROMPT_TOKENS = 212
OUTPUT_TOKENS = 118
FRAMES = 64
DELTAS = 59  # of the frames; two come before the first word and three after the last
REPLY_BYTES = 623

ARN = "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/fast00000000"
PACED_ARN = "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/paced0000000"
MODEL = "claude-3-haiku-20240307"
MESSAGE_ID = "msg_bdrk_01QuarryBench0000000000"

SYSTEM = (
    "You are the support desk of a shop that sells bicycles and their parts. Answer in two or three plain sentences. "
    "Name the part number when you know it, never guess one, and say which page of the manual the reader should open next."
)
QUESTION = (
    "The rear brake of my Tourer 3 squeals since I changed the wheel, and the lever travels further than it used to. "
    "I cleaned the disc with alcohol, twice, and let it dry over night. What would you look at first?"
)
ANSWER = (
    "Begin with the caliper: loosen its two bolts, hold the lever down, and tighten them again so that it centres on the disc. "
    "If the lever still travels far, the pads are worn; the Tourer 3 takes part 40-118. See page 31."
)
FOLLOW_UP = (
    "Centred it, and the squeal is gone in the dry. In the wet it comes back for the first two or three stops, "
    "then it is quiet. Is that a fault that I should have repaired under warranty, or is it simply what these pads do?"
)
TURNS = (("user", QUESTION), ("assistant", ANSWER), ("user", FOLLOW_UP))

_headers_of_a_chunk = ((":event-type", "chunk"), (":content-type", "application/json"), (":message-type", "event"))
_padding = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
WORD = " brakes"


def chat(model: str, *, stream: bool = False) -> bytes:
    """The OpenAI chat completion that a gateway is asked for, about 1.1 KB."""
    messages = [{"role": "system", "content": SYSTEM}, *({"role": role, "content": text} for role, text in TURNS)]
    body: dict[str, object] = {"model": model, "messages": messages, "max_tokens": 256, "temperature": 0.2}
    return msgspec.json.encode({**body, "stream": True} if stream else body)


def native() -> bytes:
    """The same request as Claude's native body: what a bare proxy forwards."""
    return msgspec.json.encode(
        {
            "anthropic_version": "bedrock-2023-05-31",
            "max_tokens": 256,
            "temperature": 0.2,
            "system": SYSTEM,
            "messages": [{"role": role, "content": text} for role, text in TURNS],
        }
    )


def native_path(arn: str, *, stream: bool) -> str:
    """The path that Bedrock serves a model at; an ARN is escaped whole, slash included."""
    return f"/model/{quote(arn, safe='')}/{'invoke-with-response-stream' if stream else 'invoke'}"


def whole_reply() -> bytes:
    """A Claude Messages reply of exactly ``REPLY_BYTES``."""
    return _whole_reply(text())


def text() -> str:
    """What the whole reply says: as many words as make it ``REPLY_BYTES`` long."""
    missing = REPLY_BYTES - len(_whole_reply(""))
    return (WORD * missing)[:missing]


def stream_frames() -> list[bytes]:
    """A Claude text stream as ``FRAMES`` event-stream frames, the deltas first to last, ended by the invocation metrics."""
    return [frame(event, index) for index, event in enumerate(_events())]


def frame(event: object, index: int = 0) -> bytes:
    """One event as Bedrock frames it: base64 inside JSON, beside a padding ``p`` whose length varies with ``index``.

    Source: Smithy "Amazon Event Stream" specification; botocore's parser judges it in tests/benchmarks/test_bodies.py.
    """
    encoded = b2a_base64(msgspec.json.encode(event), newline=False).decode()
    payload = msgspec.json.encode({"bytes": encoded, "p": _padding[: 2 + index * 7 % 26]})
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        for name, value in _headers_of_a_chunk
    )
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    checked = prelude + struct.pack("!I", crc32(prelude)) + headers + payload
    return checked + struct.pack("!I", crc32(checked))


def request(path: str, body: bytes, *headers: tuple[str, str], host: str = "127.0.0.1") -> bytes:
    """A whole HTTP/1.1 request, ready for the socket."""
    lines = [f"POST {path} HTTP/1.1", f"host: {host}", "content-type: application/json", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _whole_reply(said: str) -> bytes:
    return msgspec.json.encode(_message(content=[{"type": "text", "text": said}], stop_reason="end_turn"))


def _events() -> list[dict[str, object]]:
    opening: list[dict[str, object]] = [
        {"type": "message_start", "message": _message(content=[], stop_reason=None)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ]
    closing: list[dict[str, object]] = [
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": OUTPUT_TOKENS},
        },
        {"type": "message_stop", "amazon-bedrock-invocationMetrics": _invocation_metrics()},
    ]
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": WORD}}
    return [*opening, *([delta] * DELTAS), *closing]


def _message(*, content: list[dict[str, str]], stop_reason: str | None) -> dict[str, object]:
    return {
        "id": MESSAGE_ID,
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": PROMPT_TOKENS, "output_tokens": OUTPUT_TOKENS},
    }


def _invocation_metrics() -> dict[str, int]:
    return {
        "inputTokenCount": PROMPT_TOKENS,
        "outputTokenCount": OUTPUT_TOKENS,
        "invocationLatency": 640,
        "firstByteLatency": 10,
    }
