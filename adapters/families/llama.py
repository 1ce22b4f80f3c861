"""Meta Llama 2 and 3.x, and imports that speak their dialect (AWS: BedrockCompletion). Knows nothing of other families.

One prompt in, one text out; all that differs is the template. An import of another architecture that takes this body
differs in nothing else either: a target names the template of its own (``chat_template``). Replies are read by shape,
since an old import may answer in another family's form.

Images: the body's ``images``, base64, and a mark in the prompt for each. Llama 3.2 11B and 90B read one per request
(boto/boto3#4463: a ValidationException for two); other models refuse the field, and say so themselves.

Source: Amazon Bedrock user guide, model-parameters-meta and invoke-imported-model; wire form as recorded by
openllmetry, read 2026-11-22; ``images`` as promptfoo/promptfoo#6555 sends them to the real service, read 2026-11-27.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from adapters.chat import ChatRequest, Image
from adapters.errors import UnsupportedContent
from adapters.family import AtMost, Range, Rule
from adapters.prompts.templates import TEMPLATES
from adapters.templated import Bare, templated


def encode(request: ChatRequest, prompt: str, _stream: bool) -> bytes:
    """The native body. ``stop`` is not in it: the model has no such field, so the reader honours it.

    Raises:
        UnsupportedContent: An image in a tool's result, where the prompt has no place for one.
    """
    sampling = request.sampling
    body: dict[str, Any] = {"prompt": prompt, "max_gen_len": sampling.max_tokens}
    if sampling.temperature is not None:
        body["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        body["top_p"] = sampling.top_p
    if images := list(_images(request)):
        body["images"] = images
    return msgspec.json.encode(body)


def _images(request: ChatRequest) -> Iterator[str]:
    for index, message in enumerate(request.messages):
        for position, part in enumerate(message.parts):
            if type(part) is Image:
                if message.role == "tool":
                    place = f"messages[{index}].content[{position}]"
                    raise UnsupportedContent(f"{place} is an image in a tool's result, which no Llama reads", parameter=place)
                yield part.data


_ACCEPTS: Mapping[str, Rule] = {
    "max_tokens": Range(1, 2048),
    "temperature": Range(0, 1),
    "top_p": Range(0, 1),
    "stop": None,
    "prompt": None,
    "images": AtMost(1),
}
BARE2 = Bare("llama2", _ACCEPTS, 1024, encode, frozenset({"stop"}))
BARE3 = BARE2._replace(name="llama3")
LLAMA2 = templated(BARE2, TEMPLATES["llama2"])
LLAMA3 = templated(BARE3, TEMPLATES["llama3"])
