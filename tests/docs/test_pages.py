"""What the pages say about the repository is true of the repository."""

import json
import re
import subprocess
import tomllib
from importlib.metadata import version
from itertools import pairwise

import pytest
import yaml

from gateway.bedrock.faults import FAULTS
from gateway.errors import GatewayError
from gateway.usage.metrics import LABELS, NAMES
from gateway.usage.record import Outcome
from tests.docs.pages import ROOT

PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "deploy/**/*.md")
    for path in ROOT.glob(pattern)
)  # fmt: skip
METRICS_PAGE = (ROOT / "docs/metrics.md").read_text()
DEPENDENCIES_PAGE = (ROOT / "docs/decisions/0002-dependencies.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading."""
    section = page.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    """Every link into the repository names a file or folder that is there, and a section that the page has."""
    for target, section in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
        file = page.parent / target if target else page

        assert file.exists(), target
        assert not section or section in anchors(file.read_text()), section


def anchors(page: str) -> set[str]:
    """What GitHub calls the sections of a page: their titles in lower case, without punctuation, a hyphen for each blank."""
    titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_metric_is_explained():
    """docs/metrics.md has one row for each metric, and the labels that the metric has."""
    documented = {name: set(labels.split(", ")) for name, _, labels, *_ in rows(METRICS_PAGE, "The metrics")}

    assert documented == {name: set(labels) for name, labels in LABELS.items()}


def words(column: str) -> set[str]:
    """The words that the metrics page explains in the table with this first column."""
    table = METRICS_PAGE.split(f"\n| {column} | means |\n", 1)[1].split("\n\n", 1)[0]
    return {word for line in table.splitlines()[1:] for word in re.findall(r"`(\w+)`", line.split("|")[1])}


def test_every_outcome_is_explained():
    """The words of the label `outcome` are those that the code writes."""
    assert words("outcome") == set(Outcome.__args__)


def test_every_upstream_error_is_explained():
    """Whatever AWS's errors become has its row, and no row explains a word that nobody writes."""
    written = {fault.error.word for fault in FAULTS.values()}

    assert written <= words("error") <= {error.word for error in descendants(GatewayError)} | {"malformed"}


def descendants(error: type[GatewayError]) -> set[type[GatewayError]]:
    """A class and everything below it."""
    return {error}.union(*(descendants(below) for below in error.__subclasses__()))


def test_documented_queries_parse(tmp_path):
    """Prometheus understands every query that the page offers, and each is over metrics that exist."""
    queries = re.findall(r"```promql\n(.*?)```", METRICS_PAGE, re.DOTALL)
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"groups": [{"name": "page", "rules": rules}]}))
    promtool = subprocess.run([ROOT / "deploy/promtool.sh"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert len(queries) == 3
    assert {re.sub(r"_bucket$", "", name) for name in re.findall(r"quarry_\w+", "".join(queries))} <= NAMES


@pytest.mark.parametrize(
    ("heading", "requirements"),
    [
        ("What runs in production", PROJECT["project"]["dependencies"]),
        ("What develops and tests", PROJECT["dependency-groups"]["dev"]),
    ],
    ids=["production", "development"],
)
def test_every_dependency_has_its_reason(heading, requirements):
    """Each direct dependency has a row with a purpose, a licence, the installed version and a refused alternative."""
    table = {row[0]: row[1:] for row in rows(DEPENDENCIES_PAGE, heading)}

    assert table.keys() == {re.split(r"[\[<>=~ ]", requirement)[0] for requirement in requirements}
    assert all(len(cells) == 5 and all(cells) for cells in table.values())
    assert {name: cells[2] for name, cells in table.items()} == {name: version(name) for name in table}


def test_make_targets_exist():
    """Every target that CONTRIBUTING.md names is one of the Makefile's."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"`make (\w+)`", (ROOT / "CONTRIBUTING.md").read_text())) <= targets


def test_every_page_is_listed():
    """Whoever opens docs/README.md finds every page beside it."""
    listed = set(re.findall(r"\]\((\w+\.md)\)", (ROOT / "docs/README.md").read_text()))

    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"} <= listed


def test_decisions_are_listed():
    """docs/README.md lists every decision once, in order, and each begins with its number and says its date."""
    listed = re.findall(r"\(decisions/((\d{4})-[a-z0-9-]+\.md)\)", (ROOT / "docs/README.md").read_text())
    pages = sorted((ROOT / "docs/decisions").glob("*.md"))

    assert [name for name, _ in listed] == [page.name for page in pages]
    for page in pages:
        title, *beginning = page.read_text().splitlines()[:5]
        assert re.match(rf"# 0*{int(page.name[:4])}[.:] ", title)
        assert re.search(r"\b\d{4}-\d{2}-\d{2}\b", "\n".join(beginning))


def test_changelog_keeps_its_order():
    """Sections of a release stand in the order Security, Removed, Deprecated, Added, Changed, Fixed."""
    order = ["Security", "Removed", "Deprecated", "Added", "Changed", "Fixed"]
    releases = (ROOT / "CHANGELOG.md").read_text().split("\n## ")[1:]

    assert releases[0].startswith("Unreleased\n")
    for release in releases:
        places = [order.index(section) for section in re.findall(r"^### (.+)$", release, re.MULTILINE)]
        assert all(before < after for before, after in pairwise(places))


def test_policy_substitution_leaves_no_placeholder():
    """The sed line of deploy/README.md puts another region and account into every ARN of the policy."""
    [command] = re.findall(r"^(sed .*) > my-policy.json$", (ROOT / "deploy/README.md").read_text(), re.MULTILINE)

    done = subprocess.run(["bash", "-c", command], cwd=ROOT / "deploy", capture_output=True, text=True, check=True)

    [statement] = json.loads(done.stdout)["Statement"]
    assert {arn.split(":")[3:5] == ["eu-central-1", "111122223333"] for arn in statement["Resource"]} == {True}


def test_documented_words_of_the_sandbox():
    """The key, the password and an alias that deploy/README.md shows are those of the sandbox's files."""
    page = (ROOT / "deploy/README.md").read_text()
    configuration = yaml.safe_load((ROOT / "deploy/compose/sandbox.yaml").read_text())
    environment = (ROOT / "deploy/compose/sandbox.env").read_text().splitlines()
    [alias] = re.findall(r'"model": "([^"]+)"', page)

    assert alias in configuration["models"]
    assert "Bearer sandbox" in page
    assert "GRAFANA_PASSWORD=sandbox" in environment
    assert "password `sandbox`" in page
