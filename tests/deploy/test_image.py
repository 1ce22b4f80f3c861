"""The image's Dockerfile: what can be held true without a container engine."""

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from deploy.check import ROOT

TEXT = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
INSTRUCTIONS = [line.split(maxsplit=1) for line in TEXT.splitlines() if line.strip() and not line.startswith("#")]
LAST_STAGE = INSTRUCTIONS[max(n for n, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM") :]
COPIED = [
    source
    for word, rest in INSTRUCTIONS
    if word == "COPY" and not rest.startswith("--from")
    for source in rest.split()[:-1]
]  # fmt: skip


def last(word: str) -> str:
    """The last instruction of this kind in the final stage."""
    return [rest for instruction, rest in LAST_STAGE if instruction == word][-1]


@pytest.mark.parametrize("source", COPIED)
def test_copied_files_reach_the_build(source):
    """What COPY names exists, and .dockerignore lets it through."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    kept = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}

    assert (ROOT / source).exists()
    assert rules[0] == "*"
    assert source in kept


def test_bytecode_of_this_machine_stays_out():
    """.dockerignore's last word is on caches, after everything that it lets in."""
    assert (ROOT / ".dockerignore").read_text().split()[-1] == "**/__pycache__"


def test_runs_unprivileged():
    """The final user is a number, so that an orchestrator can see that it is not root."""
    assert last("USER") == "65532:65532"


def test_first_process_hears_signals():
    """Start and health check are in exec form: no shell between the orchestrator and quarry."""
    assert json.loads(last("ENTRYPOINT")) == ["quarry"]
    assert json.loads(last("CMD")) == ["serve", "--config", "/etc/quarry/quarry.yaml"]
    assert json.loads(last("HEALTHCHECK").partition("CMD ")[2]) == ["python", "/opt/quarry/healthcheck.py"]


def test_port_is_said_once():
    """The exposed port is the one that QUARRY_PORT makes the gateway listen on."""
    assert f"QUARRY_PORT={last('EXPOSE')}" in last("ENV").split()


def test_everything_from_the_registry_is_hashed():
    """Every pip install is hash-checked, or touches no registry at all."""
    commands = [command for word, rest in INSTRUCTIONS if word == "RUN" for command in rest.split("&&")]
    installs = [command for command in commands if re.match(r"\s*pip .*\binstall\b", command)]

    assert len(installs) == 3
    assert all("--require-hashes" in install or "--no-index" in install for install in installs)


def test_build_lock_follows_the_development_lock():
    """The tools that build the wheel are, version and hashes, the ones that development uses."""
    whole = blocks((ROOT / "requirements-dev.lock").read_text())
    build = blocks((ROOT / "deploy/requirements-build.lock").read_text())

    assert "hatchling" in {block.partition("==")[0] for block in build}
    assert build <= whole


def blocks(lock: str) -> set[str]:
    """One entry per distribution, with its hashes."""
    return {block.strip() for block in re.split(r"\n(?=\S)", lock) if block.strip()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built as the Dockerfile builds it."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [built] = folder.iterdir()
    return built


def test_wheel_holds_every_source_file(wheel):
    """The wheel carries all of adapters and gateway, the licence, and nothing that runs by being installed."""
    sources = {
        path.relative_to(ROOT).as_posix()
        for room in ("adapters", "gateway")
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    assert sources == {name for name in names if ".dist-info/" not in name}
    assert any(fnmatchcase(name, "*.dist-info/licenses/LICENSE") for name in names)
    assert not [name for name in names if name.endswith((".pth", "sitecustomize.py"))]


def test_installed_wheel_runs(wheel, tmp_path):
    """Installed without its source tree, ``quarry --version`` names the version of the wheel."""
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv/bin/python"
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel]
    subprocess.run(command, check=True, capture_output=True)
    [packages] = (tmp_path / "venv/lib").glob("python*/site-packages")
    # The dependencies are borrowed from here; the editable install of this checkout is not, for it needs its .pth.
    [borrowed] = (Path(sys.executable).parent.parent / "lib").glob("python*/site-packages")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{packages}{os.pathsep}{borrowed}"}

    done = subprocess.run(
        [tmp_path / "venv/bin/quarry", "--version"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert wheel.name.split("-")[1] in done.stdout


class Answers(BaseHTTPRequestHandler):
    """A service whose paths are its statuses: ``/200`` is well, ``/503`` is not."""

    def do_GET(self) -> None:
        """Answer with the status in the path."""
        self.send_response(int(self.path[1:]) if self.path[1:].isdigit() else 200 if self.path == "/healthz" else 404)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments) -> None:
        """Quiet."""


@pytest.fixture
def port():
    """A listening service."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def health(port: int, *arguments: str) -> int:
    """The exit code of the health check, run as the image runs it."""
    command = [sys.executable, ROOT / "deploy/healthcheck.py", *arguments]
    return subprocess.run(command, env={"QUARRY_PORT": str(port)}, capture_output=True, check=False).returncode


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((), 0), (("/200",), 0), (("/503",), 1), (("/404",), 1)],
    ids=["healthz by default", "another path", "draining", "no such path"],
)
def test_health_check_reads_the_status(port, arguments, code):
    """Only a 200 from the port in QUARRY_PORT is healthy."""
    assert code == health(port, *arguments)


def test_health_check_without_a_service():
    """Nobody listening is unhealthy, not a crash of the check."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        free = server.server_port

    assert health(free) == 1
