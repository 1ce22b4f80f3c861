"""Which formats of an answer Claude enforces, and which are left to a hidden tool (``adapters.structured``)."""

from adapters.chat import ChatRequest, ResponseFormat
from adapters.families.claude.generations import Generation


def native_format(request: ChatRequest, generation: Generation) -> ResponseFormat | None:
    """The format that goes into the body.

    Only a strict schema: the native field refuses what OpenAI's strict mode refuses, too (objects that allow further
    properties, above all), so a schema that is not strict may well be none that it takes.
    """
    wanted = request.response_format
    is_enforced = generation.has_format and wanted is not None and wanted.kind == "json_schema" and wanted.strict
    return wanted if is_enforced else None


def is_hidden(request: ChatRequest, generation: Generation) -> bool:
    """Whether the answer comes as the call of a hidden tool."""
    return request.response_format is not None and native_format(request, generation) is None
