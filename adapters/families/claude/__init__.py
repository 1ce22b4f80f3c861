"""Anthropic Claude, Messages form: text, images, tools, thinking. Knows nothing of other families.

Source: Amazon Bedrock user guide, model-parameters-anthropic-claude-messages; wire form as recorded by openllmetry,
read 2026-11-22.
"""

from adapters.families.claude.reply import decode, reader
from adapters.families.claude.request import encode
from adapters.family import AtMost, Family, Range

FAMILY = Family(
    name="claude",
    accepts={
        "max_tokens": Range(1, 200_000),  # each model has its own bound below its context, and says so itself
        "temperature": Range(0, 1),
        "top_p": Range(0, 1),
        "stop": AtMost(8191),
        "tools": None,
        "tool_choice": None,
        "parallel_tool_calls": None,
        "images": AtMost(20),
    },
    max_tokens=4096,
    encode=encode,
    decode=decode,
    reader=reader,
)
