"""Meta Llama 2 and 3.x, and imports that speak their dialect (AWS: BedrockCompletion). Knows nothing of other families.

The two differ in nothing but the prompt's template. Replies are read by shape: an old import of a Llama may answer
in another family's form.

Source: Amazon Bedrock user guide, model-parameters-meta and invoke-imported-model; wire form as recorded by
openllmetry, read 2026-11-22.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from adapters.chat import ChatRequest, Message
from adapters.deltas import Delta, Usage
from adapters.family import Family, Range, Reader
from adapters.pieces import PieceReader
from adapters.prompts.turns import llama2, llama3, written
from adapters.shapes import WORDS, parse
from adapters.stopping import stopped, stopping


def encode(request: ChatRequest, template: Callable[[Sequence[Message]], str]) -> bytes:
    """The native body. ``stop`` is not in it: the model has no such field, so the reader honours it."""
    sampling = request.sampling
    body: dict[str, Any] = {"prompt": written(request, template), "max_gen_len": sampling.max_tokens}
    if sampling.temperature is not None:
        body["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        body["top_p"] = sampling.top_p
    return msgspec.json.encode(body)


def decode(body: bytes, request: ChatRequest, counts: Usage | None) -> list[Delta]:
    """A whole reply, cut at the first stop string."""
    return stopped(PieceReader(parse, WORDS).whole(parse(body), counts), request.sampling.stop)


def reader(request: ChatRequest) -> Reader:
    """A reader of chunks; at a stop string it is ``cut``, while the model would go on."""
    return stopping(PieceReader(parse, WORDS), request.sampling.stop)


def _family(name: str, template: Callable[[Sequence[Message]], str]) -> Family:
    return Family(
        name=name,
        accepts={
            "max_tokens": Range(1, 2048),
            "temperature": Range(0, 1),
            "top_p": Range(0, 1),
            "stop": None,
            "prompt": None,
        },
        max_tokens=1024,
        encode=lambda request, _stream: encode(request, template),
        decode=decode,
        reader=reader,
    )


LLAMA2 = _family("llama2", llama2)
LLAMA3 = _family("llama3", llama3)
