"""S3 beside the sandbox: moto's server, which is a dependency of development alone. Knows no Bedrock."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

MISSING = "S3 beside the sandbox is moto's server, which is not installed: pip install 'moto[s3,server]'"


@contextmanager
def s3(host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve an empty S3 from a thread of its own and give its base URL. It takes any signature.

    Args:
        port: 0 takes a free one.

    Raises:
        RuntimeError: moto is not installed.
        OSError: The port is taken.
    """
    try:
        moto = import_module("moto.moto_server.werkzeug_app")  # a second of imports, and only here
        werkzeug = import_module("werkzeug.serving")
    except ImportError as error:
        raise RuntimeError(MISSING) from error
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # it would tell of every request
    # The socket is ours because werkzeug, which would open one itself, ends the process when the port is taken.
    with socket.create_server((host, port), backlog=128) as listener:
        bound_port = listener.getsockname()[1]
        server = werkzeug.make_server(
            host,
            bound_port,
            moto.DomainDispatcherApplication(moto.create_backend_app),
            threaded=True,
            request_handler=moto.MotoRequestHandler,
            fd=listener.fileno(),
        )
        thread = threading.Thread(target=server.serve_forever, name="quarry-sandbox-s3", daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{bound_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
