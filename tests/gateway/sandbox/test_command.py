"""``quarry sandbox`` as a process of its own."""

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from gateway.cli.sandbox import sandbox, welcome
from gateway.sandbox.signature import Credentials
from gateway.sandbox.world import World


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def started(*options):
    port = free_port()
    command = [sys.executable, "-c", "from gateway.cli.sandbox import sandbox; sandbox()", "--port", str(port), *options]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as running:
        yield running, port
        running.terminate()
        running.wait(10)


@pytest.fixture
def process():
    with started() as running:
        yield running


@pytest.fixture
def process_with_s3():
    with started("--with-s3") as running:
        yield running


def test_command_serves_and_says_how_to_reach_it(process):
    """It prints the address in use, answers there, and ends on SIGTERM."""
    running, port = process
    first = running.stdout.readline()
    for line in running.stdout:
        if "_sandbox/models" in line:
            break
    for _ in range(200):
        try:
            with urlopen(f"http://127.0.0.1:{port}/_sandbox/models", timeout=5) as reply:
                models = json.load(reply)["models"]
            break
        except OSError:
            continue

    assert f"http://127.0.0.1:{port}" in first
    assert len(models) > 10


def test_taken_port_is_told():
    """Exit code 1 and the address, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        result = CliRunner().invoke(sandbox, ["--port", str(port)])

    assert result.exit_code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in result.output


def test_wrong_file_is_wrong_use(tmp_path):
    """Exit code 2 and what to change."""
    path = tmp_path / "f.yaml"
    path.write_text("speed: 3")
    result = CliRunner().invoke(sandbox, ["--config", str(path)])

    assert result.exit_code == 2
    assert "speed" in result.output


def test_secret_of_the_environment_is_never_shown():
    """The default is public; anything else is named, not printed."""
    shown = welcome(World(), "http://h", Credentials("me", "hidden-secret"))

    assert "hidden-secret" not in shown
    assert 'os.environ["AWS_SECRET_ACCESS_KEY"]' in shown


def test_s3_beside_it_says_where(process_with_s3):
    """``--with-s3`` serves S3 on the port above, and says how to reach it."""
    running, port = process_with_s3
    line = next(line for line in running.stdout if line.startswith("S3"))

    assert f"AWS_ENDPOINT_URL_S3=http://127.0.0.1:{port + 1}" in line
    with urlopen(f"http://127.0.0.1:{port + 1}/", timeout=5) as reply:
        assert b"ListAllMyBucketsResult" in reply.read()


def test_taken_port_of_s3_is_told():
    """Exit code 1, and which port was wanted; nothing is served."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1] - 1
        result = CliRunner().invoke(sandbox, ["--port", str(port), "--with-s3"])

    assert result.exit_code == 1
    assert f"--with-s3 cannot listen on 127.0.0.1:{port + 1}" in result.output


def test_without_moto_it_says_what_to_install(tmp_path):
    """moto is no run-time dependency: its absence is one sentence, not a traceback."""
    (tmp_path / "moto.py").write_text("raise ImportError('not here')")
    command = [
        sys.executable,
        "-c",
        "from gateway.cli.sandbox import sandbox; sandbox()",
        "--port",
        str(free_port()),
        "--with-s3",
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=30, check=False, env=os.environ | {"PYTHONPATH": str(tmp_path)}
    )

    assert done.returncode == 1
    assert "pip install 'moto[s3,server]'" in done.stderr
    assert "Traceback" not in done.stderr
