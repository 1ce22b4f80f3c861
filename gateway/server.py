"""Serving: uvicorn around the application, a lame-duck phase before it stops, a reload without a restart."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType

import uvicorn

from gateway.app import VERSION, Gateway, create, upstream
from gateway.certificate import Renewal, stamp
from gateway.configuration import Configuration, SettingsError
from gateway.identification import Upkeep, facts, identified
from gateway.protocol import Protocol
from gateway.usage.logs import Log, LogHandler

KEEP_ALIVE_SECONDS = 75  # longer than a load balancer's 60, so that it is never we who close under a request
LAME_DUCK_SHARE = 0.2  # of drain_seconds: how long we still accept while /readyz already says no
LAME_DUCK_SECONDS = 5.0  # at most
LAST_REQUEST_SECONDS = 0.2  # for a connection that was made as the listener closed, to be asked something
LAST_WORDS_SECONDS = 1.0  # for requests that outlived the drain: to tell their callers, and to be recorded
WATCH_SECONDS = 2.0  # between two looks at the configuration file

CLOSE = (b"connection", b"close")

Reread = Callable[[], Configuration]
"""Reads the configuration again; raises SettingsError."""


async def serve(
    configuration: Configuration,
    *,
    reread: Reread | None = None,
    environ: Mapping[str, str] = os.environ,
    announcement: Mapping[str, str] | None = None,
) -> None:
    """Serve until a signal says stop.

    SIGTERM: ``/readyz`` says no at once, new requests are still taken for a moment so that load balancers can look away,
    then those under way have ``server.drain_seconds`` to end; what has not ended by then is told so. SIGINT stops without
    the moment, a second SIGINT without the drain. SIGHUP, and a change of the file, read the configuration again: aliases
    and keys are swapped whole; a bad file changes nothing and is logged. So it is with the files of ``server.tls``.
    Families that the configuration leaves open are asked of AWS, before anything listens or is swapped.

    Args:
        reread: Reads ``configuration.name`` again; absent, nothing ever does.
        environ: AWS's own variables.
        announcement: Facts for the ``listening`` line beside ``url``.

    Raises:
        OSError: The address cannot be listened on.
        SettingsError: AWS did not tell a family that is not written.
    """
    aws = upstream(configuration, environ)
    try:
        configuration = await identified(configuration, aws.identities)
    except SettingsError:
        await aws.aclose()
        raise
    log = Log()
    gateway = create(configuration, log=log, environ=environ, aws=aws)
    logging.basicConfig(handlers=[LogHandler(log)], level=logging.WARNING, force=True)
    caring = [asyncio.create_task(_upkeep(gateway).run(configuration.settings.aws.identify.refresh_seconds))]
    server = Server(gateway, configuration, announcement or {})
    if reread is not None:
        caring.append(asyncio.create_task(_reload(gateway, configuration, reread, server.renewal)))
    try:
        await server.serve()
    finally:
        for task in caring:
            task.cancel()
        log.close()


def _renewal(server: "Server", configuration: Configuration, log: Log) -> Renewal | None:
    tls = configuration.settings.server.tls
    return None if tls is None else Renewal(tls.certificate, tls.key, lambda: server.config.ssl, log)


def _upkeep(gateway: Gateway) -> Upkeep:
    return Upkeep(
        gateway.identities,
        current=lambda: gateway.state.configuration,
        publish=gateway.publish,
        log=gateway.log,
        metrics=gateway.metrics,
    )


class Server(uvicorn.Server):
    """uvicorn with a lame-duck phase: it closes its listener at once on SIGTERM, while balancers still send."""

    def __init__(self, gateway: Gateway, configuration: Configuration, announcement: Mapping[str, str]) -> None:
        settings = configuration.settings.server
        self._gateway = gateway
        self._announcement = announcement
        self._identified = facts(configuration)
        self._warnings = configuration.warnings
        self._host = settings.host
        self._scheme = "https" if settings.tls is not None else "http"
        self.renewal = _renewal(self, configuration, gateway.log)
        self._lame_duck_seconds = min(LAME_DUCK_SECONDS, settings.drain_seconds * LAME_DUCK_SHARE)
        super().__init__(
            uvicorn.Config(
                gateway.application,
                host=settings.host,
                port=settings.port,
                http=Protocol,
                ws="none",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,  # nothing here asks for the caller's address, so nobody's word for it is taken
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
                ssl_certfile=settings.tls.certificate if settings.tls is not None else None,
                ssl_keyfile=settings.tls.key if settings.tls is not None else None,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals as callbacks of the event loop, where a line may be logged; and once: a good drain exits with 0.

        uvicorn takes them between any two bytecodes, and raises them again when all is done, so that the process would
        always seem to have been killed.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so: one line that a person and a supervisor can read."""
        try:
            await super().startup(sockets)
        except SystemExit as stop:  # uvicorn has logged why; whoever started us is told too
            raise stop.__context__ if isinstance(stop.__context__, OSError) else stop from None
        # What start-up made lives as long as the process: left out of collections, they take a millisecond, not forty.
        gc.collect()
        gc.freeze()
        self._gateway.log.event("listening", url=self._url(), version=VERSION, **self._announcement)
        for target in self._identified:
            self._gateway.log.event("identified", **target)
        for warning in self._warnings:
            self._gateway.log.event("warning", message=warning)

    def _url(self) -> str:
        port = self.servers[0].sockets[0].getsockname()[1]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104 - compared, not bound
        return f"{self._scheme}://[{host}]:{port}" if ":" in host else f"{self._scheme}://{host}:{port}"

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Begin to stop; asked again, stop sooner."""
        if not self._gateway.state.draining:
            self._begin_to_drain(self._lame_duck_seconds if sig == signal.SIGTERM else 0.0)
        elif self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        else:
            self.should_exit = True

    def _begin_to_drain(self, lame_duck_seconds: float) -> None:
        self._gateway.state.draining = True
        self._gateway.log.event("draining", lame_duck_seconds=lame_duck_seconds)
        # Every answer from now on asks its caller to come back over a new connection, which will be another replica's.
        self.config.encoded_headers.append(CLOSE)
        self.server_state.default_headers = [*self.server_state.default_headers, CLOSE]
        if lame_duck_seconds:
            asyncio.get_running_loop().call_later(lame_duck_seconds, setattr, self, "should_exit", True)
        else:
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests end, cancel those that do not, and wait until these have told their callers."""
        for server in self.servers:
            server.close()
        # uvicorn would at once close the connections that were just made, whose first request is on its way.
        await asyncio.sleep(LAST_REQUEST_SECONDS)
        await super().shutdown(sockets)
        late = list(self.server_state.tasks)
        if self.force_exit:
            for task in late:
                task.cancel()
        if late:
            await asyncio.wait(late, timeout=LAST_WORDS_SECONDS)
        self._gateway.log.event("stopped")


async def _reload(gateway: Gateway, configuration: Configuration, reread: Reread, renewal: Renewal | None) -> None:
    """Read again on SIGHUP and whenever the file changes; likewise the certificate, whose files change at their own time."""
    file, asked = Path(configuration.name), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    seen = stamp(file)
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), WATCH_SECONDS)
        found = stamp(file)
        if renewal is not None:
            renewal.look(asked=asked.is_set())
        if found == seen and not asked.is_set():
            continue
        asked.clear()
        seen = found
        try:
            fresh = await asyncio.to_thread(reread)  # a large file takes a while, and streams go on meanwhile
            fresh = await identified(fresh, gateway.identities)
        except SettingsError as error:
            gateway.log.event("reload_refused", problems=[str(problem) for problem in error.problems])
        else:
            await gateway.templates.prepare(fresh.snapshot.targets())
            _publish(gateway, configuration, fresh)


def _publish(gateway: Gateway, running: Configuration, fresh: Configuration) -> None:
    gateway.publish(fresh)
    gateway.log.event("reloaded", models=len(fresh.snapshot.routes), needs_restart=needs_restart(running, fresh))
    for target in facts(fresh):
        gateway.log.event("identified", **target)
    for warning in fresh.warnings:
        gateway.log.event("warning", message=warning)


def needs_restart(running: Configuration, fresh: Configuration) -> list[str]:
    """The sections that changed and that only a restart can put into effect."""
    before, after = running.settings, fresh.settings
    fixed = [name for name in before.__struct_fields__ if name not in {"models", "keys"}]
    return [name for name in fixed if getattr(before, name) != getattr(after, name)]
