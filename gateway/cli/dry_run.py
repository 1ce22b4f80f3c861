"""What a request to an alias would do, without doing it: the same resolve, fit and encode as the path, and no call.

Values only; how they are printed is ``explain``'s. Asks neither AWS, beyond what the configuration was identified by and
what the templates were read from, nor a running gateway.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from adapters import EMBEDDERS, FAMILIES, embedder
from adapters.chat import ChatRequest
from adapters.errors import RequestRefused
from adapters.prompts.trained import MESSAGE, SYSTEM, Template
from gateway.call import Call
from gateway.configuration import Configuration
from gateway.errors import PromptNotWritten
from gateway.guardrails.inline import TAKES, said
from gateway.keys.model import Key
from gateway.registry.card import described
from gateway.registry.families import CHAT, COMPLETION, spoken, verdict
from gateway.registry.model import Route, Target
from gateway.registry.resolve import resolve
from gateway.registry.spaces import embeds
from gateway.surface.answering import Arrival
from gateway.surface.openai.embeddings.parse import parse_embeddings
from gateway.surface.openai.parse import parse_chat
from gateway.templating.templates import Templates
from gateway.translation import fitted

PRICE = "unknown in this version"


class Step(Struct, frozen=True):
    """One target that could be asked.

    Attributes:
        why: Its place in the order, in words.
        family: Empty while nobody knows it.
        family_why: Where the family comes from.
        card: What AWS says of the target, if it was asked.
        template: Whose chat template writes the prompt, where one is written; ``None`` where the family sends messages.
        body: The native body, as Bedrock would receive it; ``None`` when the family refuses the request.
        ignored: Parameters that would be dropped, and named in ``x-quarry-ignored-parameters``.
        calls: How many such calls the texts to embed would take; ``body`` is the first one's.
        guardrail: What checks the request and its answer, and how.
        refused: What the caller would read instead of an answer, with status 400.
    """

    alias: str
    target: str
    why: str
    arn: str
    region: str
    kind: str
    family: str
    family_why: str
    role_arn: str | None
    body: msgspec.Raw | None
    card: str | None = None
    template: str | None = None
    ignored: tuple[str, ...] = ()
    calls: int = 1
    refused: str | None = None
    guardrail: str | None = None


class Limit(Struct, frozen=True):
    """One limit that the configuration sets for this request."""

    scope: str
    resource: str
    amount: float
    enforced: bool = False


class Explanation(Struct, frozen=True):
    """A dry run.

    Attributes:
        choices: OpenAI's ``n``: so many calls are made side by side, each with the same body.
    """

    alias: str
    description: str
    stream: bool
    choices: int
    steps: tuple[Step, ...]
    timeouts: dict[str, float]
    limits: tuple[Limit, ...]
    price: str = PRICE


def caller(configuration: Configuration, name: str | None) -> Key:
    """The key of that name or id; for ``None`` a key that may use everything.

    Raises:
        KeyError: The configuration has no such key.
    """
    if name is None:
        return Key(id="", name="", owner="", hash="")
    for key in configuration.keys:
        if name in (key.name, key.id):
            return key
    raise KeyError(name)


def example(alias: str, *, vectors: bool = False, prompt: Template | None = None) -> bytes:
    """A small request, for those who bring none: one that an alias's own prompt format has places for."""
    if vectors:
        return msgspec.json.encode({"model": alias, "input": ["Say hello to the team."]})
    system = {"role": "system", "content": "You answer briefly."}
    user = {"role": "user", "content": "Say hello to the team."}
    if prompt is None:
        return msgspec.json.encode({"model": alias, "messages": [system, user]})
    variables = {name: f"an example of {name}" for name in prompt.places if name not in {MESSAGE, SYSTEM}}
    said = user if MESSAGE in prompt.places else user | {"content": ""}
    messages = [system, said] if SYSTEM in prompt.places else [said]
    return msgspec.json.encode({"model": alias, "messages": messages, "quarry": {"variables": variables}})


def addressed(body: bytes, alias: str) -> bytes:
    """The body with ``model`` filled in, where it is an object without one; anything else is left for the parser to judge."""
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    if "model" in fields:
        return body
    return msgspec.json.encode({"model": alias} | fields)


async def explain(
    configuration: Configuration,
    alias: str,
    body: bytes,
    *,
    key: Key,
    stream: bool = False,
    templates: Templates | None = None,
) -> Explanation:
    """What a request with this body to this alias would do.

    Args:
        templates: The models' own, as far as they were read; ``None``: nobody read any.
        body: A Chat Completions request, or an Embeddings one where the alias makes those; its own ``model`` is ignored.
        stream: Show the body of a streamed request even if the request does not ask for one.

    Raises:
        GatewayError: The request would be refused before any target is looked at: the alias, the key, or the body.
    """
    route = resolve(configuration.snapshot, alias, key)
    parse = parse_embeddings if embeds(route) else parse_chat
    call = parse(addressed(body, alias), Arrival("dry-run", key, 0.0))
    stream = stream or call.stream
    return Explanation(
        alias=alias,
        description=route.description,
        stream=stream,
        choices=call.choices,
        steps=tuple([step async for step in _steps(configuration, route, call, stream, templates)]),
        timeouts=msgspec.structs.asdict(route.timeouts),
        limits=tuple(_limits(configuration, key)),
    )


async def _steps(
    configuration: Configuration, route: Route, call: Call, stream: bool, templates: Templates | None
) -> AsyncIterator[Step]:
    for target in _in_order(route):
        yield await _step(route, target, _why(target, route), call, stream=stream, templates=templates)
    for alias in route.fallbacks:
        fallback = configuration.snapshot.routes[alias]
        for target in _in_order(fallback):
            why = f"fallback, when no target of {route.alias} has begun to answer; {_why(target, fallback)}"
            yield await _step(fallback, target, why, call, stream=stream, templates=templates)


def _in_order(route: Route) -> list[Target]:
    return sorted(route.targets, key=lambda target: (target.weight == 0, target.priority, -target.weight))


def _why(target: Target, route: Route) -> str:
    if target.weight == 0:
        return "weight 0: never asked"
    peers = [peer for peer in route.targets if peer.priority == target.priority and peer.weight > 0]
    earlier = any(peer.priority < target.priority and peer.weight > 0 for peer in route.targets)
    turn = "asked when every target of a lower priority number has failed" if earlier else "asked first"
    if len(peers) > 1:
        turn += f", before its peers in {target.weight} of {sum(peer.weight for peer in peers)} requests"
    return f"priority {target.priority}: {turn}"


async def _step(route: Route, target: Target, why: str, call: Call, *, stream: bool, templates: Templates | None) -> Step:
    request = call.request
    name = spoken(target, request)
    calls = 1
    body: bytes | None = None
    ignored: tuple[str, ...] = ()
    refused: str | None = None
    try:
        if call.embedding is not None and name:
            maker = EMBEDDERS[name]
            texts, ignored = embedder.fit(call.embedding, maker, defaults=route.defaults, ignorable=route.ignore_parameters)
            first, *more = embedder.batches(texts, maker.texts)
            body, calls, ignored = maker.encode(first), 1 + len(more), (*ignored, *texts.advisory)
        elif name:
            family, asked, ignored = fitted(request, route, target)
            if templates is not None:
                asked, _ = await templates.applied(target, family, asked)
            body = family.encode(asked, stream)
            if route.guardrail is not None and TAKES[target.kind]:
                body, _ = said(route.guardrail, body, (), operation=family.operation, stream=stream)
    except RequestRefused as error:
        refused = f"{error} (param: {error.parameter})"
    except PromptNotWritten as error:
        refused = f"{error}: {error.detail}"
    return Step(
        alias=route.alias,
        target=target.name,
        why=why,
        arn=target.arn,
        region=target.region,
        kind=target.kind,
        family=name,
        family_why=_family_why(target, request),
        role_arn=target.role_arn,
        body=None if body is None else msgspec.Raw(body),
        card=described(target.card) if target.card is not None else None,
        template=_template(route, target, name, templates),
        ignored=ignored,
        calls=calls,
        refused=refused,
        guardrail=_guardrail(route, target),
    )


def _guardrail(route: Route, target: Target) -> str | None:
    if route.guardrail is None:
        return None
    how = "inside the call" if TAKES[target.kind] else "around the call, by ApplyGuardrail"
    return f"{route.guardrail.id} version {route.guardrail.version}, {how}"


def _template(route: Route, target: Target, family: str, templates: Templates | None) -> str | None:
    """Whose chat template writes the prompt, and why not the model's own."""
    if route.prompt is not None:
        return "the alias's own prompt format"
    if family not in FAMILIES or "prompt" not in FAMILIES[family].accepts:
        return None
    built_in = f"built in for family {family}"
    if target.chat_template is None:
        return built_in
    if templates is None:
        return f"{built_in}, unless the model brought its own; the gateway reads that at its start, and --identify reads it now"
    facts = templates.facts(target)
    if not facts.in_use:
        return f"{built_in}: {facts.problem}"
    counted = "its tokenizer counts tokens" if facts.exact_tokens else "tokens are estimated"
    return f"the model's own, {facts.source}, sha256 {facts.sha256}; {counted}" + (f"; {facts.problem}" if facts.problem else "")


def _family_why(target: Target, request: ChatRequest) -> str:
    if target.family_origin == "unknown":
        return "not written; the gateway asks AWS for it at its start, and --identify asks now"
    if target.family_origin == "written" or target.card is None:
        return "written in the configuration"
    why = f"AWS says: {verdict(target.card, FAMILIES.keys() | EMBEDDERS.keys()).why}"
    if target.family_origin != "negotiated":
        return why
    return f"{why}; {_WANTED[spoken(target, request), target.family]}"


# The body that a request speaks, and the target's own: why this one.
_WANTED = {
    (CHAT, CHAT): "a chat goes as OpenAI's chat",
    (CHAT, COMPLETION): "tools, images and a response format go as OpenAI's chat alone",
    (COMPLETION, COMPLETION): "a chat goes as a completion",
    (COMPLETION, CHAT): "a prompt already written goes as a completion",
}


def _limits(configuration: Configuration, key: Key) -> Iterator[Limit]:
    settings = configuration.settings
    scopes: list[tuple[str, Any]] = [("everyone", settings.limits)]
    scopes += [
        (f"key {made.name}", entry.limits)
        for made, entry in zip(configuration.keys, settings.keys, strict=True)
        if made.hash == key.hash
    ]
    for scope, limits in scopes:
        for resource, amount in msgspec.structs.asdict(limits).items():
            if amount is not None:
                yield Limit(scope, resource, amount)
