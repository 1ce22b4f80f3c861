"""Serving: uvicorn around the application, a lame-duck phase before it stops, a reload without a restart."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

import uvicorn

from gateway.app import VERSION, Gateway, create
from gateway.configuration import Configuration, SettingsError
from gateway.protocol import Protocol
from gateway.usage.logs import Log, LogHandler

KEEP_ALIVE_SECONDS = 75  # longer than a load balancer's 60, so that it is never we who close under a request
LAME_DUCK_SHARE = 0.2  # of drain_seconds: how long we still accept while /readyz already says no
LAME_DUCK_SECONDS = 5.0  # at most
WATCH_SECONDS = 2.0  # between two looks at the configuration file

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
    then those under way have ``server.drain_seconds`` to end. SIGINT stops without the moment. SIGHUP, and a change of the
    file, read the configuration again: aliases and keys are swapped whole; a bad file changes nothing and is logged.

    Args:
        reread: Reads ``configuration.name`` again; absent, nothing ever does.
        environ: AWS's own variables.
        announcement: Facts for the ``listening`` line beside ``url``.
    """
    log = Log()
    gateway = create(configuration, log=log, environ=environ)
    logging.basicConfig(handlers=[LogHandler(log)], level=logging.WARNING, force=True)
    for warning in configuration.warnings:
        log.event("warning", message=warning)
    reloading = asyncio.create_task(_reload(gateway, configuration, reread)) if reread is not None else None
    try:
        await Server(gateway, configuration, announcement or {}).serve()
    finally:
        if reloading is not None:
            reloading.cancel()
        log.flush()


class Server(uvicorn.Server):
    """uvicorn with a lame-duck phase: it closes its listener at once on SIGTERM, while balancers still send."""

    def __init__(self, gateway: Gateway, configuration: Configuration, announcement: Mapping[str, str]) -> None:
        settings = configuration.settings.server
        self._gateway = gateway
        self._announcement = announcement
        self._host = settings.host
        self._scheme = "https" if settings.tls is not None else "http"
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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so: one line that a person and a supervisor can read."""
        await super().startup(sockets)
        if not self.started:
            return
        # What start-up made lives as long as the process: left out of collections, they take a millisecond, not forty.
        gc.collect()
        gc.freeze()
        port = self.servers[0].sockets[0].getsockname()[1]
        host = "127.0.0.1" if self._host in {"0.0.0.0", "::"} else self._host  # noqa: S104 - compared, not bound
        self._gateway.log.event("listening", url=f"{self._scheme}://{host}:{port}", version=VERSION, **self._announcement)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A first SIGTERM begins the lame-duck phase; everything else is uvicorn's."""
        if sig != signal.SIGTERM or self._gateway.state.draining:
            super().handle_exit(sig, frame)
            return
        self._gateway.state.draining = True
        self._gateway.log.event("draining", lame_duck_seconds=self._lame_duck_seconds)
        asyncio.get_running_loop().call_later(self._lame_duck_seconds, super().handle_exit, sig, frame)


async def _reload(gateway: Gateway, configuration: Configuration, reread: Reread) -> None:
    """Read again on SIGHUP and whenever the file changes."""
    file, asked = Path(configuration.name), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    seen = _stamp(file)
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), WATCH_SECONDS)
        stamp = _stamp(file)
        if stamp == seen and not asked.is_set():
            continue
        asked.clear()
        seen = stamp
        try:
            fresh = reread()
        except SettingsError as error:
            gateway.log.event("reload_refused", problems=[str(problem) for problem in error.problems])
            continue
        gateway.publish(fresh)
        gateway.log.event("reloaded", models=len(fresh.snapshot.routes), needs_restart=needs_restart(configuration, fresh))


def needs_restart(running: Configuration, fresh: Configuration) -> list[str]:
    """The sections that changed and that only a restart can put into effect."""
    before, after = running.settings, fresh.settings
    fixed = [name for name in before.__struct_fields__ if name not in {"models", "keys"}]
    return [name for name in fixed if getattr(before, name) != getattr(after, name)]


def _stamp(file: Path) -> tuple[int, int] | None:
    """What changes when the file does; a mounted ConfigMap changes by its symbolic link, which is followed."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
