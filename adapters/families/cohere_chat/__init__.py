"""Cohere Command R and R+: one message, the turns before it, tools, documents. Knows nothing of other families.

Not native on Bedrock, and therefore not accepted: a wanted format of the answer (no field, and no tool can be forced, so
nothing would hold the model to it), and a choice of tools beyond whether there are any. Citations have no place in OpenAI's
chat form and are not told.

Source: Amazon Bedrock user guide, model-parameters-cohere-command-r-plus, read 2026-11-27. That the body takes no field
beyond the page's (``stream``, ``prompt``) and ``p`` nothing above 0.99: promptfoo#914, Portkey-AI/gateway#848.
"""

from adapters.families.cohere_chat.reply import decode, reader
from adapters.families.cohere_chat.request import encode
from adapters.family import AtMost, Family, OneOf, Range

FAMILY = Family(
    name="cohere_chat",
    accepts={
        "max_tokens": Range(1, 4096),
        "temperature": Range(0, 1),
        "top_p": Range(0.01, 0.99),
        "top_k": Range(0, 500),
        "frequency_penalty": Range(0, 1),
        "presence_penalty": Range(0, 1),
        "seed": None,
        "stop": AtMost(5),
        "tools": None,
        "tool_choice": OneOf(("auto", "none")),
        "documents": None,
        "prompt": None,
    },
    max_tokens=2048,
    encode=encode,
    decode=decode,
    reader=reader,
    has_turns=True,
)
