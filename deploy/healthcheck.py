# ruff: noqa: INP001 - a script that the image carries, not a package
"""The container's health check: 0 when the service answers, 1 when it does not. Knows nothing but a port and a path.

    python healthcheck.py [PATH]

PATH is ``/healthz`` unless given; the port is ``QUARRY_PORT``, else 8080. Standard library only: the image has no curl.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

TIMEOUT_SECONDS = 3


def status(port: int, path: str) -> int:
    """The HTTP status of a GET on this machine.

    Raises:
        OSError, HTTPException: Nobody answers in time, or not in HTTP.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def main() -> int:
    """Ask once and translate the answer to an exit code."""
    path = sys.argv[1] if len(sys.argv) > 1 else "/healthz"
    try:
        answer = status(int(os.environ.get("QUARRY_PORT", "8080")), path)
    except (OSError, HTTPException, ValueError) as error:
        sys.stderr.write(f"{path}: {error}\n")
        return 1
    sys.stdout.write(f"{path}: {answer}\n")
    return 0 if answer == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
