"""Anthropic Claude, Messages form: text, images, documents, tools, thinking, cache points. Knows nothing of other families.

Source: Amazon Bedrock user guide, model-parameters-anthropic-claude-messages; wire form as recorded by openllmetry,
read 2026-11-22. Two generations: what both say alike is one code, what differs is in ``generations``.
"""

from functools import partial

from adapters.families.claude.generations import ACCEPTS, NEWER, OLDER, Generation
from adapters.families.claude.reply import decode, reader
from adapters.families.claude.request import encode
from adapters.family import Family


def _family(generation: Generation) -> Family:
    enforced = {"response_format.strict": None, "tools.strict": None} if generation.has_format else {}
    return Family(
        name=generation.name,
        accepts={**ACCEPTS, **enforced},
        max_tokens=4096,
        encode=partial(encode, generation),
        decode=partial(decode, generation),
        reader=partial(reader, generation),
        emulates=frozenset({"response_format"}),  # but for a strict schema, see ``formats``
        beside=generation.beside,
    )


FAMILY = _family(OLDER)
CLAUDE_4_5 = _family(NEWER)
