"""A guardrail that Bedrock applies inside the call: which targets take one, and where it is said. Asks nobody."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct, field

from gateway.bedrock.hosts import Operation
from gateway.bedrock.requests import Headers, usual_headers
from gateway.errors import InvalidRequest
from gateway.registry.card import Kind
from gateway.registry.model import Guardrail

TAKES: Mapping[Kind, bool] = {
    "provisioned-model": True,
    "custom-model-deployment": True,
    "foundation-model": True,
    "inference-profile": True,
    # AWS's sources disagree: the sample notebook aws-samples/amazon-bedrock-samples 85fba9d9 invokes an imported model with
    # a guardrail, an operator's notes of 2026-07 say that it is for foundation models alone. A guardrail that is passed over
    # in silence is worse than one that costs a call more, so it is applied around these.
    "imported-model": False,
}
"""Whether a kind of target takes a guardrail inside the call. Source: AWS's user guide, read 2026-11-22."""

IDENTIFIER, VERSION, TRACE = (
    "x-amzn-bedrock-guardrailidentifier",
    "x-amzn-bedrock-guardrailversion",
    "x-amzn-bedrock-trace",
)
_CONFIG = "amazon-bedrock-guardrailConfig"


class _Native(Struct):
    """What a native body may say about guardrails."""

    config: msgspec.Raw = field(name=_CONFIG, default=msgspec.Raw())


_native = msgspec.json.Decoder(_Native)


def said(guardrail: Guardrail, body: bytes, headers: Headers, *, operation: Operation, stream: bool) -> tuple[bytes, Headers]:
    """The same request with the guardrail in it: in the body of Converse, else in the headers.

    Args:
        headers: A caller's own, to be sent instead of the usual ones; none: the usual ones.
    """
    if operation == "converse":
        return _with_config(guardrail, body, stream=stream), headers
    own = {IDENTIFIER: guardrail.id, VERSION: guardrail.version}
    return body, tuple((dict(headers or usual_headers(operation, stream=stream)) | own).items())


def _with_config(guardrail: Guardrail, body: bytes, *, stream: bool) -> bytes:
    """Converse's body, an object that is never empty, with one more member at its beginning."""
    config = {"guardrailIdentifier": guardrail.id, "guardrailVersion": guardrail.version}
    if stream:
        config["streamProcessingMode"] = "sync"  # AWS's default; the other lets text out before it is judged
    return b'{"guardrailConfig":%s,%s' % (msgspec.json.encode(config), body[1:])


def refuse_another(guardrail: Guardrail, body: bytes, headers: Headers) -> None:
    """Let a caller's native request neither replace the alias's guardrail, nor narrow what it sees, nor read what it is.

    Raises:
        InvalidRequest: It tries to.
    """
    given = dict(headers)
    own = (given.get(IDENTIFIER, guardrail.id), given.get(VERSION, guardrail.version))
    if own != (guardrail.id, guardrail.version):
        raise InvalidRequest(f"This model has a guardrail of its own: leave the headers {IDENTIFIER} and {VERSION} out")
    if given.get(TRACE, "DISABLED").upper() != "DISABLED":
        raise InvalidRequest(f"The guardrail of this model is not shown to callers: leave the header {TRACE} out")
    try:
        narrowed = bool(bytes(_native.decode(body).config))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest("The body is not a JSON object") from error
    if narrowed:
        raise InvalidRequest(f"This model has a guardrail of its own: leave {_CONFIG} out of the body")
