"""The tables of docs/chat.md and docs/bedrock.md, made from what the code says and from what the official SDKs do. Compares nothing."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpx
import openai
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.hooks import first_non_none_response

from adapters import FAMILIES, parameters
from adapters.chat import ChatRequest, Message, Role, Sampling, Text
from adapters.family import AtMost, Family, OneOf, Range
from gateway.errors import GatewayError
from gateway.keys import sigv4
from gateway.surface import problems
from gateway.surface.bedrock import problems as aws
from tests.referees.bedrock.calls import session

NO, YES = "—", "yes"
HARMLESS_IN_A_TABLE = str.maketrans({"|": "\\|"})
OWN_FAULT = "Something went wrong in the gateway itself."


def families() -> str:
    """What each family honours: a column per family, a row per feature."""
    rows: list[tuple[str, Callable[[Family], str]]] = [
        ("text, whole and streamed", lambda family: _reads(family, "user")),
        ("system messages", lambda family: _reads(family, "system")),
        ("images", lambda family: _limit(family, "images")),
        ("documents", lambda family: _limit(family, "documents")),
        *((f"`{name}`", lambda family, name=name: _has(family, name)) for name in _FEATURES),
        ("`temperature`", lambda family: _range(family, "temperature")),
        ("`top_p`", lambda family: _range(family, "top_p")),
        ("`max_completion_tokens`, at most", lambda family: _range(family, "max_tokens").rpartition(" to ")[2]),
        ("`max_completion_tokens`, when nobody says", lambda family: f"{family.max_tokens}"),
    ]
    made = [[title, *(cell(family) for family in FAMILIES.values())] for title, cell in rows]
    return _table(["", *(f"`{name}`" for name in FAMILIES)], made)


_FEATURES = (
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "tools.strict",
    "response_format",
    "response_format.strict",
    "stop",
    "seed",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "frequency_penalty",
    "presence_penalty",
    "reasoning_effort",
)
# Dropped and named, where the family has the feature that they belong to, if there is one.
_IGNORED = dict.fromkeys(parameters.ADVISORY, "") | {"tools.strict": "tools", "response_format.strict": "response_format"}


def errors() -> str:
    """Every class that a caller can meet, and what the official Python client makes of its reply."""
    kinds = sorted(_public_errors(), key=lambda kind: kind.status)
    return _table(
        ["status", "type", "code", "cause", "the SDK raises", "and repeats"],
        [
            [f"{kind.status}", f"`{kind.type}`", f"`{kind.code}`" if kind.code else "none", _cause(kind), *_met_by_the_sdk(kind)]
            for kind in kinds
        ],
    )


def aws_errors() -> str:
    """What Bedrock's own protocol calls each class, and whether botocore asks again by itself."""
    met = {GatewayError.__module__, problems.__name__, sigv4.__name__}
    kinds = [kind for kind in descendants(GatewayError) if kind.__module__ in met]
    lines: dict[tuple[int, str], list[str]] = {}
    for kind in kinds:
        name, status = aws.name_of(kind("POST"))
        lines.setdefault((status, name), []).append(_cause(kind))
    return _table(
        ["status", "name", "cause", "botocore repeats"],
        [
            [f"{status}", f"`{name}`", " ".join(causes), YES if _is_repeated(name, status) else "no"]
            for (status, name), causes in sorted(lines.items())
        ],
    )


def _is_repeated(name: str, status: int) -> bool:
    """Whether botocore asks again, which its two retry modes must agree on: a client of each is told of such a reply."""
    parsed = {"Error": {"Code": name, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    answers = set()
    for mode in ("legacy", "standard"):
        client = session().client(
            "bedrock-runtime",
            region_name="us-west-2",
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=Config(retries={"mode": mode, "total_max_attempts": 2}),
        )
        delays = client.meta.events.emit(
            "needs-retry.bedrock-runtime.Converse",
            response=(AWSResponse("http://gateway", status, {}, None), parsed),
            endpoint=None,
            operation=client.meta.service_model.operation_model("Converse"),
            attempts=1,
            caught_exception=None,
            request_dict={"context": {}},
        )
        answers.add(first_non_none_response(delays) is not None)
    (answer,) = answers
    return answer


def descendants(root: type[GatewayError]) -> Iterator[type[GatewayError]]:
    """A class and everything below it, level by level."""
    waiting = [root]
    while waiting:
        kind = waiting.pop(0)
        yield kind
        waiting += kind.__subclasses__()


def _public_errors() -> Iterator[type[GatewayError]]:
    """All but those of signatures, which only Bedrock's own protocol has."""
    for kind in descendants(GatewayError):
        if kind.__module__.startswith("gateway.") and kind.__module__ != sigv4.__name__:
            yield kind


def _cause(kind: type[GatewayError]) -> str:
    said = OWN_FAULT if kind is GatewayError else (inspect.getdoc(kind) or "").split("\n\n", maxsplit=1)[0]
    return " ".join(said.split()).replace("``", "`").translate(HARMLESS_IN_A_TABLE)


def _met_by_the_sdk(kind: type[GatewayError]) -> tuple[str, str]:
    """The type that the client raises, and whether it asks again by itself."""
    error = kind("the message")
    status, body, headers = problems.envelope(error)
    asked = 0

    def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        return httpx.Response(status, content=body, headers=[*headers, (b"retry-after-ms", b"1")])

    client = openai.OpenAI(
        base_url="http://gateway/v1", api_key="k", max_retries=1, http_client=httpx.Client(transport=httpx.MockTransport(answer))
    )
    with client:
        try:
            client.models.list()
        except openai.APIStatusError as raised:
            return f"`{type(raised).__name__}`", YES if asked > 1 else "no"
    raise AssertionError(f"{kind.__name__} is no error to the SDK")


def _reads(family: Family, role: Role) -> str:
    """Whether what that role says stands in the native body, whole or streamed."""
    messages = (Message(role, (Text("BE BRIEF"),)), Message("user", (Text("Hello"),)))
    bodies = [family.encode(ChatRequest(messages, Sampling(max_tokens=1)), stream) for stream in (False, True)]
    return YES if all(b"BE BRIEF" in body for body in bodies) else NO


# How the gateway honours what the native body has no field for; ``stop`` is told below the table.
_EMULATED = {
    "response_format": "by a hidden tool",
    "tools": "in the prompt",
    "tool_choice": "in the prompt",
    "parallel_tool_calls": "the first call",
}


def _has(family: Family, name: str) -> str:
    if name in family.accepts:
        rule = family.accepts[name]
        if name == "tool_choice" and isinstance(rule, OneOf):
            return ", ".join(f"`{word}`" for word in rule.words)
        return _EMULATED.get(name, YES) if name in family.emulates else YES
    return "ignored" if name in _IGNORED and (not _IGNORED[name] or _IGNORED[name] in family.accepts) else NO


def _limit(family: Family, name: str) -> str:
    if name not in family.accepts:
        return NO
    rule = family.accepts[name]
    return f"up to {rule.entries}" if isinstance(rule, AtMost) else YES


def _range(family: Family, name: str) -> str:
    rule = family.accepts[name]
    assert isinstance(rule, Range)
    high = int(rule.high) if rule.high == int(rule.high) else rule.high
    return f"{'above ' if rule.above else ''}{rule.low:g} to {high}"


def _table(heads: list[str], rows: Iterable[list[Any]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)
