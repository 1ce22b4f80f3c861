"""The certificate of ``server.tls``: what keeps it from being served, and its renewal while connections live."""

import ssl
from collections.abc import Callable
from pathlib import Path

from gateway.configuration import Configuration
from gateway.findings import Problem
from gateway.usage.logs import Log

Stamp = tuple[int, int] | None


def tls_problems(configuration: Configuration) -> list[Problem]:
    """What keeps ``server.tls`` from being served: a file that cannot be read, or two that are no certificate and its key.

    Asked where the gateway will run: elsewhere its files need not exist.
    """
    tls = configuration.settings.server.tls
    return [] if tls is None else _problems(tls.certificate, tls.key)


class Renewal:
    """Keeps a listener's certificate the one that its files hold.

    Connections under way keep the certificate that they began with; the next handshake gets the new one. Files that cannot
    be used change nothing and are logged, so the two may be replaced one after the other.

    Args:
        context: The listener's own, which is changed in place; ``None`` before it listens.
    """

    def __init__(self, certificate: str, key: str, context: Callable[[], ssl.SSLContext | None], log: Log) -> None:
        self._certificate = certificate
        self._key = key
        self._context = context
        self._log = log
        self._seen: tuple[Stamp, Stamp] | None = self._stamps()

    def look(self, *, asked: bool = False) -> None:
        """Take the files' certificate if they have changed, or if somebody asks for it."""
        context, stamps = self._context(), self._stamps()
        if context is None or (stamps == self._seen and not asked):
            return
        self._seen = stamps
        problems = _problems(self._certificate, self._key)
        if not problems:
            # Tried on a context of its own first: one that fails half way would leave the listener without either.
            try:
                context.load_cert_chain(self._certificate, self._key, password="")
            except (ssl.SSLError, OSError):
                self._seen = None  # they changed in this very moment: look again next time
                problems = [Problem("server.tls", "its files changed while they were read; they are read again")]
        if problems:
            self._log.event("certificate_refused", problems=[str(problem) for problem in problems])
        else:
            self._log.event("certificate_loaded", certificate=self._certificate)

    def _stamps(self) -> tuple[Stamp, Stamp]:
        return stamp(Path(self._certificate)), stamp(Path(self._key))


def stamp(file: Path) -> Stamp:
    """What changes when the file does; a mounted ConfigMap or Secret changes by its symbolic link, which is followed."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _problems(certificate: str, key: str) -> list[Problem]:
    files = {"server.tls.certificate": certificate, "server.tls.key": key}
    unreadable = [Problem(path, f'"{file}" cannot be read: {why}') for path, file in files.items() if (why := _unreadable(file))]
    return unreadable or _mismatch(certificate, key)


def _unreadable(file: str) -> str | None:
    try:
        with Path(file).open("rb"):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _mismatch(certificate: str, key: str) -> list[Problem]:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError) as error:
        why = (
            "the key is not the certificate's"
            if getattr(error, "reason", "") == "KEY_VALUES_MISMATCH"
            else "both must be PEM files, the key without a passphrase"
        )
        return [Problem("server.tls", f'"{certificate}" and "{key}" cannot be used: {why}')]
    return []
