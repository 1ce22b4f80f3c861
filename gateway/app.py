"""The composition root: a configuration into rooms, rooms into an application. Nobody else knows them all."""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import NamedTuple

from litestar import Litestar
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.bedrock.client import Client
from gateway.bedrock.credentials import CredentialSource
from gateway.bedrock.runtime import Runtime
from gateway.completion import Path
from gateway.configuration import Configuration
from gateway.registry.live import Live
from gateway.surface import answering, health, openapi, problems
from gateway.surface.answering import Dialect, Rooms
from gateway.surface.guard import Guard
from gateway.surface.openai import models
from gateway.surface.openai.chat import CHAT
from gateway.surface.openai.completions import COMPLETIONS
from gateway.surface.openai.responses import RESPONSES, stored
from gateway.surface.reply_headers import identify
from gateway.usage.logs import Log
from gateway.usage.meter import Meter
from gateway.usage.metrics import Metrics

VERSION = version("quarry-gateway")

CHATS: Mapping[str, Dialect] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETIONS,
    "/v1/responses": RESPONSES,
}
"""Path to dialect: every endpoint that a chat can be asked at."""


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

    def publish(self, configuration: Configuration) -> None:
        """Take other aliases and keys from now on; requests under way keep what they began with."""
        self.registry.publish(configuration.snapshot)
        self.guard.replace(configuration.keys)


class State:
    """What the server tells the rooms.

    Attributes:
        draining: New work should go elsewhere.
    """

    draining = False


def create(configuration: Configuration, *, log: Log, environ: Mapping[str, str] = os.environ) -> Gateway:
    """Build every room from plain values and join them.

    Args:
        configuration: Checked before; nothing here can be wrong with it.
        log: Where lines go.
        environ: For AWS's own variables: credentials, ``AWS_CA_BUNDLE``, FIPS and dual-stack endpoints.
    """
    settings, state = configuration.settings, State()
    registry, guard, metrics = Live(configuration.snapshot), Guard(configuration.keys), Metrics()
    path = Path(registry=registry, bedrock=_runtime(configuration, environ))
    rooms = Rooms(guard, path, open_meter=partial(Meter, metrics, log), max_body_bytes=settings.server.max_body_bytes)
    chats = [answering.route(path, dialect, rooms) for path, dialect in CHATS.items()]
    litestar = Litestar(
        route_handlers=[
            *chats,
            *models.routes(guard, registry),
            *stored.routes(guard),
            *health.routes(guard, is_draining=lambda: state.draining, exposition=metrics.exposition),
            openapi.route(guard, version=VERSION),
        ],
        exception_handlers={Exception: problems.answer},
        before_send=[identify],
        on_shutdown=[path.bedrock.aclose, log.flush],
        openapi_config=None,  # the document is our own: it also tells of the chat route, which Litestar's cannot see
        logging_config=None,
    )
    return Gateway(front(chats, litestar), registry, guard, metrics, log, state)


def front(chats: Sequence[ASGIRouteHandler], litestar: Litestar) -> ASGIApp:
    """Litestar with a shorter way to what answers chats: docs/decisions/0006-short-way-to-chat.md says what that saves."""
    short = {path: handler.fn for handler in chats for path in handler.paths}

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        handle = short.get(scope.get("path", ""))
        if handle is None:
            await litestar(scope, receive, send)
        else:
            await handle(scope, receive, send)

    return application


def _runtime(configuration: Configuration, environ: Mapping[str, str]) -> Runtime:
    aws = configuration.settings.aws
    urls: dict[str, str] = {str(service): url for service, url in aws.endpoint_urls.items()}
    return Runtime(
        Client(ca_bundle=environ.get("AWS_CA_BUNDLE")),
        CredentialSource(region=aws.region or "us-east-1", endpoint_urls=urls, environment=environ),
        endpoint_urls=urls,
        fips=_is_true(environ.get("AWS_USE_FIPS_ENDPOINT")),
        dual_stack=_is_true(environ.get("AWS_USE_DUALSTACK_ENDPOINT")),
    )


def _is_true(value: str | None) -> bool:
    return (value or "").lower() == "true"
