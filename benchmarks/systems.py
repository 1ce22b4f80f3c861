"""What is measured: the gateway, and the yardsticks beside it. Each is a command, its files, and the requests that it understands.

A yardstick is set up as its own manual advises for speed, so that a ratio flatters nobody.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from benchmarks import bodies
from benchmarks.load import Exchange

ALIAS = "bench"
PACED_ALIAS = "bench-paced"
KEY = "qk_bench_0000000000000000000000000000000000000000000"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "a-secret-that-opens-nothing"}

DONE = b"data: [DONE]\n\n"

LITELLM_VERSION = "1.106.2"
PEERS_FOLDER = Path(__file__).parent / ".peers"


class System(NamedTuple):
    """One thing under load.

    Attributes:
        command: How to start it; empty for the stub itself, which runs already.
        ready_path: Says 200 once requests may come.
        exchanges: By kind of work: ``json``, ``stream``, ``paced``; a kind that is missing is not measured.
        idle: What a connection asks once before it falls silent; ``None`` where idle connections are not measured.
        holds: Whether a whole body of a kind carries everything that the stub said.
        ready_seconds: How long it may take to start.
    """

    name: str
    version: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    port: int
    ready_path: str
    exchanges: Mapping[str, Exchange]
    idle: Exchange | None
    holds: Callable[[str, bytes], bool]
    ready_seconds: float = 30.0


class NotInstalledError(Exception):
    """A yardstick that this machine lacks; the message says how to get it."""


def direct(stub_port: int) -> System:
    """The stub without anything before it: the floor under every latency."""
    return System(
        name="direct",
        version="",
        command=(),
        environment={},
        port=stub_port,
        ready_path="/",
        exchanges=_native_exchanges(),
        idle=None,
        holds=_holds_the_stubs_bytes,
    )


def quarry(folder: Path, port: int, stub_port: int) -> System:
    """The gateway with one worker, a key and two aliases, everything else at its default."""
    config = folder / "quarry.yaml"
    config.write_text(quarry_config(port, stub_port))
    environment = {**CREDENTIALS, "AWS_EC2_METADATA_DISABLED": "true"}
    return System(
        name="quarry",
        version=version("quarry-gateway"),
        command=(str(Path(sys.executable).with_name("quarry")), "serve", "--config", str(config)),
        environment=environment,
        port=port,
        ready_path="/readyz",
        exchanges=_chat_exchanges(KEY, paced=PACED_ALIAS),
        idle=Exchange(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", 0, b""),
        holds=_holds_the_stubs_words,
    )


def quarry_config(port: int, stub_port: int) -> str:
    """The gateway's configuration file."""
    return f"""\
server: {{host: 127.0.0.1, port: {port}, drain_seconds: 1}}
aws:
  region: us-west-2
  endpoint_urls: {{bedrock-runtime: "http://127.0.0.1:{stub_port}"}}
models:
  {ALIAS}:
    targets: [{{name: {ALIAS}, arn: "{bodies.ARN}", family: claude}}]
  {PACED_ALIAS}:
    targets: [{{name: {PACED_ALIAS}, arn: "{bodies.PACED_ARN}", family: claude}}]
keys:
  - name: bench
    owner: bench
    hash: "sha256:{hashlib.sha256(KEY.encode()).hexdigest()}"
"""


def nginx(folder: Path, port: int, stub_port: int) -> System:
    """A bare reverse proxy with one worker: what moving the bytes costs without understanding them.

    Raises:
        NotInstalledError: There is no nginx; a run goes on without it.
    """
    binary = shutil.which(os.environ.get("NGINX", "nginx"), path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if binary is None:
        raise NotInstalledError(
            "nginx is not installed, so no ratio to it is shown (Debian, Ubuntu: apt-get install nginx-light)"
        )
    config = folder / "nginx.conf"
    config.write_text(nginx_config(port, stub_port, folder))
    return System(
        name="nginx",
        version=_nginx_version(binary),
        command=(binary, "-p", str(folder), "-c", str(config), "-e", str(folder / "nginx-error.log")),
        environment={},
        port=port,
        ready_path="/ready",
        exchanges=_native_exchanges(),
        idle=Exchange(b"GET /ready HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n", 2, b"ok"),
        holds=_holds_the_stubs_bytes,
    )


def nginx_config(port: int, stub_port: int, folder: Path) -> str:
    """A transparent, unbuffered proxy, pooled connections on both sides and no access log."""
    owner = "user root;\n" if os.geteuid() == 0 else ""
    scratch = "\n".join(f"  {name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""\
{owner}daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{ worker_connections 16384; }}
http {{
  access_log off;
{scratch}
  upstream bedrock {{ server 127.0.0.1:{stub_port}; keepalive 512; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    keepalive_requests 1000000;
    location = /ready {{ return 200 "ok"; }}
    location / {{
      proxy_pass http://bedrock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""


def litellm(folder: Path, port: int, stub_port: int) -> System:
    """LiteLLM's proxy on Bedrock's invoke route, one worker, no database, from an environment of its own.

    Raises:
        NotInstalledError: Its environment could not be made.
    """
    binary = environment("litellm", [f"litellm[proxy]=={LITELLM_VERSION}"]) / "bin" / "litellm"
    config = folder / "litellm.yaml"
    config.write_text(litellm_config(stub_port))
    offline = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "AWS_EC2_METADATA_DISABLED": "true"}
    return System(
        name="litellm",
        version=LITELLM_VERSION,
        command=(str(binary), "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"),
        environment={**CREDENTIALS, **offline},
        port=port,
        ready_path="/health/liveliness",
        exchanges=_chat_exchanges(KEY, paced=None),
        idle=None,
        holds=_holds_the_stubs_words,
        ready_seconds=180.0,
    )


def litellm_config(stub_port: int) -> str:
    """LiteLLM's configuration file: the same model by the same ARN."""
    return f"""\
model_list:
  - model_name: {ALIAS}
    litellm_params:
      model: bedrock/invoke/anthropic.claude-3-haiku-20240307-v1:0
      model_id: "{bodies.ARN}"
      aws_region_name: us-west-2
      aws_bedrock_runtime_endpoint: http://127.0.0.1:{stub_port}
general_settings: {{master_key: {KEY}}}
litellm_settings: {{telemetry: false, num_retries: 0}}
"""


def environment(name: str, requirements: Sequence[str]) -> Path:
    """A virtual environment of its own under ``PEERS_FOLDER``, made at the first use.

    Raises:
        NotInstalledError: pip could not bring the requirements.
    """
    folder = PEERS_FOLDER / name
    done = folder / ".installed"
    if not done.exists():
        print(f"installing {' '.join(requirements)} into {folder} ...", flush=True)
        try:
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            subprocess.run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *requirements], check=True)
        except subprocess.CalledProcessError as error:
            raise NotInstalledError(f"{' '.join(requirements)} could not be installed: {error}") from error
        done.touch()
    return folder


MAKERS: Mapping[str, Callable[[Path, int, int], System]] = {"quarry": quarry, "nginx": nginx, "litellm": litellm}
PEERS = frozenset({"litellm"})  # made only when asked for


def _native_exchanges() -> dict[str, Exchange]:
    body = bodies.native()
    frames = sum(map(len, bodies.stream_frames()))
    return {
        "json": Exchange(bodies.request(bodies.native_path(bodies.ARN, stream=False), body), bodies.REPLY_BYTES, b"}"),
        "stream": Exchange(bodies.request(bodies.native_path(bodies.ARN, stream=True), body), frames, b""),
        "paced": Exchange(bodies.request(bodies.native_path(bodies.PACED_ARN, stream=True), body), frames, b""),
    }


def _chat_exchanges(key: str, *, paced: str | None) -> dict[str, Exchange]:
    def ask(alias: str, *, stream: bool) -> bytes:
        authorization = ("authorization", f"Bearer {key}")
        return bodies.request("/v1/chat/completions", bodies.chat(alias, stream=stream), authorization)

    # Texts that arrive together may leave as one event, so the words count and not the events.
    least_streamed = len(bodies.text()) + len(DONE)
    exchanges = {
        "json": Exchange(ask(ALIAS, stream=False), len(bodies.text()), b"}"),
        "stream": Exchange(ask(ALIAS, stream=True), least_streamed, DONE),
    }
    if paced:
        exchanges["paced"] = Exchange(ask(paced, stream=True), least_streamed, DONE)
    return exchanges


def _holds_the_stubs_bytes(kind: str, body: bytes) -> bool:
    return body == (bodies.whole_reply() if kind == "json" else b"".join(bodies.stream_frames()))


def _holds_the_stubs_words(kind: str, body: bytes) -> bool:
    if kind == "json":
        return bodies.text().encode() in body
    return body.count(bodies.WORD.encode()) == bodies.DELTAS


def _nginx_version(binary: str) -> str:
    # nginx prints its version to standard error: "nginx version: nginx/1.22.1".
    shown = subprocess.run([binary, "-v"], capture_output=True, text=True, check=False).stderr
    return shown.strip().rpartition("/")[2]
