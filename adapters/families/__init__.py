"""Every family there is. A new one is a file beside this, and a row here; nothing else is touched."""

from collections.abc import Mapping
from types import MappingProxyType

from adapters.families import claude, cohere, cohere_chat, converse, imported, llama, mistral, nova, titan
from adapters.family import Family

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "titan": titan.FAMILY,
        "cohere": cohere.FAMILY,
        "cohere_chat": cohere_chat.FAMILY,
        "llama2": llama.LLAMA2,
        "llama3": llama.LLAMA3,
        "claude": claude.FAMILY,
        "claude_4_5": claude.CLAUDE_4_5,
        "nova": nova.FAMILY,
        "converse": converse.FAMILY,
        "mistral": mistral.TEXT,
        "mistral_chat": mistral.CHAT,
        "openai_chat": imported.CHAT,
        "openai_completion": imported.COMPLETION,
    }
)
