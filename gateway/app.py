"""The composition root: a configuration into rooms, rooms into an application. Nobody else knows them all."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import NamedTuple

from litestar import Litestar
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from adapters import EMBEDDERS, FAMILIES
from gateway.bedrock.client import Client
from gateway.bedrock.control import Control
from gateway.bedrock.credentials import CredentialSource
from gateway.bedrock.objects import Objects
from gateway.bedrock.runtime import Runtime
from gateway.completion import Path
from gateway.configuration import Configuration
from gateway.registry import card
from gateway.registry.identities import Identities
from gateway.registry.live import Live
from gateway.surface import answering, health, openapi, problems, rendering
from gateway.surface.answering import Dialect, Rooms
from gateway.surface.anthropic import batches
from gateway.surface.anthropic.counts import COUNT
from gateway.surface.anthropic.messages import MESSAGES
from gateway.surface.bedrock import front as bedrock
from gateway.surface.bedrock.place import PREFIX
from gateway.surface.guard import Guard
from gateway.surface.openai import models
from gateway.surface.openai.chat import CHAT
from gateway.surface.openai.completions import COMPLETIONS
from gateway.surface.openai.embeddings import EMBEDDINGS
from gateway.surface.openai.responses import RESPONSES, stored
from gateway.surface.reply_headers import identify
from gateway.templating.templates import Templates
from gateway.usage.logs import Log
from gateway.usage.meter import Meter
from gateway.usage.metrics import Metrics

VERSION = version("quarry-gateway")

CHATS: Mapping[str, Dialect] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETIONS,
    "/v1/responses": RESPONSES,
    "/v1/messages": MESSAGES,
    "/v1/messages/count_tokens": COUNT,
    "/v1/embeddings": EMBEDDINGS,
}
"""Path to dialect: every endpoint that a model can be asked at."""


class Upstream(NamedTuple):
    """AWS as this process reaches it: what runs models and what tells of them, over one set of connections and identities."""

    runtime: Runtime
    identities: Identities
    objects: Objects

    async def aclose(self) -> None:
        """Ask no further, and close every connection."""
        await self.identities.aclose()
        await self.runtime.aclose()


class Gateway(NamedTuple):
    """A gateway in one process: its application, and what may change while it runs.

    Attributes:
        application: ASGI.
        state: Told by the server when it drains.
    """

    application: ASGIApp
    registry: Live
    guard: Guard
    metrics: Metrics
    log: Log
    state: "State"
    identities: Identities
    templates: Templates

    def publish(self, configuration: Configuration) -> None:
        """Take other aliases and keys from now on; requests under way keep what they began with."""
        self.state.configuration = configuration
        self.registry.publish(configuration.snapshot)
        self.guard.replace(configuration.keys)
        self.metrics.target_states = _states(configuration)


class State:
    """What the server tells the rooms.

    Attributes:
        draining: New work should go elsewhere.
        configuration: The one in force.
    """

    draining = False

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration


def create(
    configuration: Configuration, *, log: Log, environ: Mapping[str, str] = os.environ, aws: Upstream | None = None
) -> Gateway:
    """Build every room from plain values and join them.

    Args:
        configuration: Checked before, and every family known; nothing here can be wrong with it.
        log: Where lines go.
        environ: For AWS's own variables: credentials, ``AWS_CA_BUNDLE``, FIPS and dual-stack endpoints.
        aws: What was made by ``upstream`` to identify the configuration's targets; closed with the gateway.
    """
    if configuration.open:
        raise ValueError(f"families are still open: {', '.join(configuration.open)}")
    aws = aws or upstream(configuration, environ)
    settings, state = configuration.settings, State(configuration)
    registry, metrics = Live(configuration.snapshot), Metrics()
    guard = Guard(configuration.keys, pepper=settings.server.sigv4_pepper)
    metrics.target_states = _states(configuration)
    templates = templates_of(configuration, aws, warn=lambda message: log.event("warning", message=message))
    path = Path(registry=registry, bedrock=aws.runtime, templates=templates)
    rooms = Rooms(guard, path, open_meter=partial(Meter, metrics, log), max_body_bytes=settings.server.max_body_bytes)
    chats = [answering.route(path, dialect, rooms) for path, dialect in CHATS.items()]
    litestar = Litestar(
        route_handlers=[
            *chats,
            *models.routes(guard, registry),
            *stored.routes(guard),
            *batches.routes(guard),
            rendering.route(rooms),
            *health.routes(guard, is_draining=lambda: state.draining, exposition=metrics.exposition),
            openapi.route(guard, version=VERSION),
        ],
        exception_handlers={Exception: problems.answer},
        before_send=[identify],
        on_startup=[partial(templates.start, registry.targets)],
        on_shutdown=[templates.aclose, aws.aclose, log.flush],
        openapi_config=None,  # the document is our own: it also tells of the chat route, which Litestar's cannot see
        logging_config=None,
    )
    return Gateway(front(chats, bedrock.front(rooms), litestar), registry, guard, metrics, log, state, aws.identities, templates)


def front(chats: Sequence[ASGIRouteHandler], native: ASGIApp, litestar: Litestar) -> ASGIApp:
    """Litestar with a shorter way to what answers chats: docs/decisions/0006-short-way-to-chat.md says what that saves.

    Args:
        native: Answers Bedrock's own protocol, whose paths hold the alias.
    """
    short = {path: handler.fn for handler in chats for path in handler.paths}

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        handle = short.get(path)
        if handle is not None:
            await handle(scope, receive, send)
        elif path.startswith(PREFIX):
            await native(scope, receive, send)
        else:
            await litestar(scope, receive, send)

    return application


def upstream(configuration: Configuration, environ: Mapping[str, str]) -> Upstream:
    """What AWS is reached by. Opens nothing yet."""
    aws = configuration.settings.aws
    urls: dict[str, str] = {str(service): url for service, url in aws.endpoint_urls.items()}
    client = Client(ca_bundle=environ.get("AWS_CA_BUNDLE"))
    credentials = CredentialSource(region=aws.region or "us-east-1", endpoint_urls=urls, environment=environ)
    fips, dual_stack = _is_true(environ.get("AWS_USE_FIPS_ENDPOINT")), _is_true(environ.get("AWS_USE_DUALSTACK_ENDPOINT"))
    runtime = Runtime(client, credentials, endpoint_urls=urls, fips=fips, dual_stack=dual_stack)
    return Upstream(
        runtime,
        Identities(
            Control(client, credentials, endpoint_urls=urls, fips=fips, dual_stack=dual_stack),
            families=FAMILIES.keys() | EMBEDDERS.keys(),
        ),
        Objects(
            client,
            credentials,
            endpoint_urls=urls,
            fips=fips,
            dual_stack=dual_stack,
            now=lambda: time.time() + runtime.skew_seconds,
        ),
    )


def templates_of(configuration: Configuration, aws: Upstream, *, warn: Callable[[str], None]) -> Templates:
    """The chat templates of a configuration's targets. Reads nothing yet."""
    urls = configuration.settings.aws.endpoint_urls
    # Over plain HTTP it is a sandbox that tells where models come from: no folder of AWS's, unless there is an S3 beside it.
    follows = "s3" in urls or not urls.get("bedrock", "").startswith("http://")
    return Templates(aws.objects, warn=warn, follows_cards=follows)


def _states(configuration: Configuration) -> dict[str, str]:
    """How the targets fare at AWS, as far as it was asked and said."""
    told = {target.name: card.state(target.card) for target in configuration.snapshot.targets() if target.card is not None}
    return {name: state for name, state in told.items() if state is not None}


def _is_true(value: str | None) -> bool:
    return (value or "").lower() == "true"
