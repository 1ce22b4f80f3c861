"""The benchmark runs from end to end."""

import subprocess
import sys

import msgspec
import pytest
import yaml

from benchmarks import run, systems


def test_a_quick_run_leaves_a_table_and_a_document(tmp_path):
    """The stub alone, in a process of its own: cells, table, JSON, exit code 0."""
    command = [sys.executable, "benchmarks/run.py", "--quick", "--only", "direct", "--results", str(tmp_path)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "Budget" in done.stdout
    (path,) = tmp_path.glob("*.json")
    document = msgspec.json.decode(path.read_bytes())
    assert {sample["cell"] for sample in document["samples"]} == {"json c=1", "json 500/s", "stream c=1"}
    assert all(sample["replies"] > 0 for sample in document["samples"])


def test_an_unknown_system_is_refused(capsys):
    """With the names that are known."""
    with pytest.raises(SystemExit):
        run.main(["--peers", "litelm"])

    assert "known are direct, quarry, nginx, litellm" in capsys.readouterr().err


def test_nginx_is_missed_kindly(tmp_path, monkeypatch):
    """A machine without it is told the package, and the run goes on."""
    monkeypatch.setenv("NGINX", str(tmp_path / "nginx"))
    bench = run.Bench(tmp_path, rounds=1, hurry=1.0, console=None)

    chosen = bench.chosen(["nginx"])

    assert [system.name for system in chosen] == ["direct"]
    assert "apt-get install nginx-light" in bench.results.notes[0]


@pytest.mark.parametrize("config", [systems.quarry_config(8080, 9000), systems.litellm_config(9000)], ids=["quarry", "litellm"])
def test_configurations_are_yaml(config):
    """Each names the alias and the stub."""
    read = yaml.safe_load(config)

    assert systems.ALIAS in str(read)
    assert "http://127.0.0.1:9000" in str(read)


def test_the_gateway_takes_its_configuration(tmp_path):
    """The gateway itself finds nothing wrong with the file that it is measured under."""
    system = systems.quarry(tmp_path, 8080, 9000)

    done = subprocess.run([*system.command, "--check"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "no problems" in done.stdout
