"""What a dialect is: a name and three functions. A value; knows no family."""

from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.sandbox.conversation import Answer, Ask
from gateway.sandbox.errors import invalid, malformed
from gateway.sandbox.models import Model
from gateway.sandbox.schema import Schema, ill_formed, violations

Json = dict[str, Any]


class Origin(NamedTuple):
    """Where a reply comes from: what its ids and model names are made of.

    Attributes:
        seed: Hexadecimal digest of the model and the body; the same request has the same.
        streamed: Whether the reply is asked for as a stream.
    """

    model: Model
    seed: str
    streamed: bool = False


class Chunk(NamedTuple):
    """One object of a streamed reply and how many output tokens it brings."""

    body: Json
    tokens: int = 0


class Dialect(NamedTuple):
    """The native body of one family.

    Attributes:
        read: Decoded body to ``Ask``. Raises ``AwsError`` with the family's wording.
        lead: What the family's replies begin with.
        whole: The body of a reply.
        chunks: The reply as a stream, in order; the last carries no metrics yet.
    """

    read: Callable[[Json, Origin], Ask]
    lead: str
    whole: Callable[[Answer, Ask, Origin], Json]
    chunks: Callable[[Answer, Ask, Origin], list[Chunk]]


def require(body: Json, schema: Schema) -> None:
    """Refuse a body that the schema forbids, in AWS's words.

    Raises:
        AwsError: ``ValidationException``, ``Malformed input request: …``.
    """
    found = violations(body, schema)
    if found:
        raise malformed(found)


def read(dialect: Dialect, body: Json, origin: Origin) -> Ask:
    """Read a body strictly: the dialect's own rules, then those of the JSON Schemas inside it.

    Raises:
        AwsError: ``ValidationException``.
    """
    ask = dialect.read(body, origin)
    check_schemas(ask)
    return ask


def check_schemas(ask: Ask) -> None:
    """Refuse tools and reply formats whose JSON Schema is none.

    Raises:
        AwsError: ``ValidationException`` naming the tool and the place.
    """
    for tool in ask.tools:
        for problem in ill_formed(tool.parameters):
            raise invalid(f"The JSON schema of tool {tool.name} is invalid: {problem}")
    for problem in ill_formed(True if ask.schema is None else ask.schema):
        raise invalid(f"The JSON schema of the response format is invalid: {problem}")
