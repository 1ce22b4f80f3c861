"""Certificates for loopback, made by the openssl command: an authority, and what it signs."""

import subprocess
from pathlib import Path
from typing import NamedTuple

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_NAMES = ("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")


class Authority(NamedTuple):
    """A certificate authority in a folder of its own."""

    folder: Path

    @property
    def file(self) -> str:
        """What a client is told to trust."""
        return str(self.folder / "ca.pem")

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate for loopback, and its key."""
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        signed = ("-CA", self.file, "-CAkey", str(self.folder / "ca.key"))
        _openssl(
            "req", "-x509", *_KEY, "-subj", f"/CN={name}", *_NAMES, *signed, "-days", "1", "-out", certificate, "-keyout", key
        )
        return certificate, key


def authority(folder: Path) -> Authority:
    """A new one."""
    folder.mkdir()
    made = Authority(folder)
    _openssl(
        "req", "-x509", *_KEY, "-subj", "/CN=A test's authority", "-days", "1", "-out", made.file, "-keyout", folder / "ca.key"
    )
    return made


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
