"""The ``models`` section as a whole: what it becomes, and every way in which it can be wrong."""

import pytest

from adapters import FAMILIES
from gateway.registry.card import Card, Subject, Unidentified
from gateway.registry.document import snapshot
from gateway.registry.model import Capacity, ChatTemplate, ColdStart, Route, Target, Timeouts
from gateway.settings import Capacity as CapacityEntry
from gateway.settings import ChatTemplate as ChatTemplateEntry
from gateway.settings import ColdStart as ColdStartEntry
from gateway.settings import Prompt as PromptEntry
from gateway.settings import Route as RouteEntry
from gateway.settings import Target as TargetEntry
from gateway.settings import Timeouts as TimeoutsEntry

ARN = "arn:aws:bedrock:us-west-2:123456789012:provisioned-model/a1b2c3d4e5f6"
IMPORTED = "arn:aws:bedrock:us-east-1:123456789012:imported-model/0a1b2c3d4e5f"


def document(models, region=None, findings=None):
    return snapshot(models, region=region, families=FAMILIES, created_at=1_700_000_000, findings=findings)


def route(*targets, **fields):
    return RouteEntry(targets=targets or (target(),), **fields)


def target(arn=ARN, family="claude", **fields):
    return TargetEntry(arn=arn, family=family, **fields)


def problems(models, region=None):
    return [str(problem) for problem in document(models, region).problems]


def test_a_document_becomes_a_snapshot():
    """Every value of the document arrives, typed as the path needs it."""
    made = document(
        {
            "support": route(
                target(name="a", weight=9, role_arn="arn:aws:iam::210987654321:role/r", capacity=CapacityEntry(60000, 16)),
                target(IMPORTED, "llama3", priority=1, cold_start=ColdStartEntry(patience_seconds=30.0)),
                description="Answers",
                fallbacks=("other",),
                defaults={"max_tokens": 512, "stop": "END"},
                ignore_parameters=("seed",),
                timeouts=TimeoutsEntry(total_seconds=300.0),
            ),
            "other": route(),
        }
    )

    assert made.problems == []
    assert made.warnings == []
    assert made.snapshot.created_at == 1_700_000_000
    assert made.snapshot.routes["support"] == Route(
        alias="support",
        targets=(
            Target(
                name="a",
                arn=ARN,
                region="us-west-2",
                kind="provisioned-model",
                family="claude",
                weight=9,
                role_arn="arn:aws:iam::210987654321:role/r",
                capacity=Capacity(60000, 16),
            ),
            Target(
                name="support-2",
                arn=IMPORTED,
                region="us-east-1",
                kind="imported-model",
                family="llama3",
                priority=1,
                cold_start=ColdStart(patience_seconds=30.0),
                chat_template=ChatTemplate(),
            ),
        ),
        description="Answers",
        fallbacks=("other",),
        defaults={"max_tokens": 512, "stop": ("END",)},
        ignore_parameters=frozenset({"seed"}),
        timeouts=Timeouts(total_seconds=300.0),
    )


def written(arn, family="llama3", **fields):
    made = document({"a": route(target(arn, family, chat_template=ChatTemplateEntry(**fields) if fields else None))})
    return made.snapshot.routes["a"].targets[0].chat_template, [str(problem) for problem in made.problems], made.warnings


@pytest.mark.parametrize(
    ("arn", "fields", "expected"),
    [
        (IMPORTED, {}, ChatTemplate()),
        (ARN, {}, None),
        (IMPORTED, {"enabled": False}, None),
        (IMPORTED, {"source": "s3://models/a"}, ChatTemplate("s3://models/a", None, is_written=True)),
        (IMPORTED, {"sha256": "0" * 64}, ChatTemplate(None, "0" * 64, is_written=True)),
        (ARN, {"source": "s3://models/a/"}, ChatTemplate("s3://models/a/", None, is_written=True)),
    ],
    ids=["import", "other", "switched off", "import from elsewhere", "pinned import", "other with a source"],
)
def test_whose_template_writes_the_prompts(arn, fields, expected):
    """An imported model's own is looked for unless it is switched off; another's only where it is said to be."""
    assert written(arn, **fields) == (expected, [], [])


def test_a_template_that_cannot_be_looked_for():
    """A folder that is none, and a model of which AWS does not say where its files are."""
    _, (bad,), _ = written(IMPORTED, source="s3://models/../a")
    _, (nowhere,), _ = written(ARN, sha256="0" * 64)

    assert bad.startswith('models.a.targets[0].chat_template.source: "s3://models/../a":')
    assert nowhere.startswith("models.a.targets[0].chat_template: needs `source: s3://…`")


def test_a_template_that_writes_nothing_is_warned_of():
    """A family that sends messages has its prompt written by the model's service: the template then only counts tokens."""
    _, found, (warning,) = written(IMPORTED, "openai_chat", source="s3://models/a")

    assert found == []
    assert "only counts tokens" in warning


def test_a_target_without_a_name_is_called_like_its_alias():
    """One target takes the alias, several take ALIAS-N in the document's order."""
    made = document({"one": route(), "two": route(target(), target(IMPORTED, "llama3"))})

    assert [one.name for one in made.snapshot.routes["one"].targets] == ["one"]
    assert [one.name for one in made.snapshot.routes["two"].targets] == ["two-1", "two-2"]


def test_the_region_is_the_arns_then_the_targets_then_everyones():
    """An ARN's region is final; a bare id takes the target's own, else that of ``aws``."""
    bare = target("meta.llama3-8b-instruct-v1:0", "llama3")
    own = target("meta.llama3-8b-instruct-v1:0", "llama3", region="eu-west-1")
    made = document({"a": route(), "b": route(bare), "c": route(own)}, region="us-east-2")

    assert made.problems == []
    assert [each.targets[0].region for each in made.snapshot.routes.values()] == ["us-west-2", "us-east-2", "eu-west-1"]


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ({"": route()}, 'models[""]: the alias "" must be 1 to 128'),
        ({"a b": route()}, 'models["a b"]: the alias "a b" must be 1 to 128'),
        ({"-a": route()}, 'models.-a: the alias "-a" must be 1 to 128'),
        ({"a" * 129: route()}, "must be 1 to 128"),
        ({"a\n": route()}, "must be 1 to 128"),
        ({"a": RouteEntry(targets=())}, "models.a.targets: needs at least one target"),
        ({"a": route(target(name="b c"))}, 'models.a.targets[0].name: "b c" must be 1 to 128'),
        (
            {"a": route(), "b": route(target(name="a"))},
            'models.b.targets[0].name: "a" is the name of models.a.targets[0] already',
        ),
        ({"a": route(target("x"))}, 'models.a.targets[0].arn: "x": this is no Bedrock ARN'),
        ({"a": route(target(family="cluade"))}, 'models.a.targets[0].family: "cluade" is no family; did you mean "claude"?'),
        (
            {"a": route(target(family="llama3", built_in_template="chatlm"))},
            'models.a.targets[0].built_in_template: "chatlm" is no built-in template; did you mean "chatml"?',
        ),
        (
            {"a": route(target(built_in_template="chatml"))},
            'built_in_template: family "claude" writes no prompt that could have another template (those that do: llama2, llama3, mis',
        ),
        ({"a": route(target(role_arn="admin"))}, 'models.a.targets[0].role_arn: "admin" is no IAM role'),
        (
            {"a": route(target(region="us-east-1"))},
            'models.a.targets[0].region: "us-east-1" contradicts the ARN, which says us-west-2; remove one',
        ),
        ({"a": route(target(region="here"))}, 'models.a.targets[0].region: "here" is no AWS region'),
        ({"a": route(target("meta.llama3-8b-instruct-v1:0", "llama3"))}, "models.a.targets[0].region: the id names no region"),
        ({"a": route(target(weight=0))}, "models.a.targets: every target of priority 0 has weight 0"),
        (
            {"a": route(target(), target(IMPORTED, "llama3", weight=0, priority=2))},
            "models.a.targets: every target of priority 2 has weight 0",
        ),
        ({"a": route(fallbacks=("a",))}, "models.a.fallbacks[0]: an alias cannot fall back on itself"),
        ({"a": route(fallbacks=("c",)), "cc": route()}, 'models.a.fallbacks[0]: there is no alias "c"; did you mean "cc"?'),
        ({"a": route(fallbacks=("b", "b")), "b": route()}, 'models.a.fallbacks[1]: "b" stands twice'),
        ({"a": route(timeouts=TimeoutsEntry(connect_seconds=0))}, "models.a.timeouts.connect_seconds: 0 must be above 0 seconds"),
        ({"a": route(defaults={"temprature": 1})}, 'models.a.defaults.temprature: "temprature" is no parameter of a route; did you mean "temperature"?'),
        ({"a": route(defaults={"max_completion_tokens": 1})}, '"max_completion_tokens" is called max_tokens here'),
        ({"a": route(defaults={"temperature": "hot"})}, 'models.a.defaults.temperature: "hot" is no value for temperature: Expected float, got str'),
        ({"a": route(defaults={"temperature": None})}, "models.a.defaults.temperature: write a value, or remove temperature"),
        ({"a": route(defaults={"temperature": 1.4})}, 'temperature 1.4 is outside 0 to 1 for family "claude"'),
        ({"a": route(defaults={"max_tokens": 0})}, "models.a.defaults.max_tokens: max_tokens 0 is outside"),
        (
            {"a": route(target(family="titan"), defaults={"frequency_penalty": 1.0})},
            "models.a.defaults.frequency_penalty: no target's family (titan) has this parameter",
        ),
        ({"a": route(ignore_parameters=("sead",))}, 'models.a.ignore_parameters[0]: "sead" is no parameter of a route; did you mean "seed"?'),
        ({"a": route(ignore_parameters=("max_tokens",))}, "max_tokens is always sent"),
    ],
)  # fmt: skip
def test_a_wrong_document_says_what_to_mend(models, expected):
    """Each mistake is one problem, with its place and what to write."""
    found = problems(models)

    assert len(found) == 1
    assert expected in found[0]


def test_all_problems_of_a_document_come_at_once():
    """A document wrong in many places is told so once."""
    found = problems(
        {
            "a": route(target("x", family="y"), target(role_arn="y"), fallbacks=("z",), defaults={"n": 2}),
            "b c": RouteEntry(targets=()),
        }
    )

    assert [problem.split(": ")[0] for problem in found] == [
        "models.a.targets[0].arn",
        "models.a.targets[0].family",
        "models.a.targets[1].role_arn",
        "models.a.fallbacks[0]",
        "models.a.defaults.n",
        'models["b c"]',
        'models["b c"].targets',
    ]


@pytest.mark.parametrize("feature", ["images", "documents", "tools", "response_format"])
def test_what_a_family_may_not_read_can_be_ignored(feature):
    """An alias may let go not only parameters but what a request holds."""
    assert problems({"a": route(ignore_parameters=(feature,))}) == []


@pytest.mark.parametrize(
    ("fallbacks", "circles"),
    [
        ({"a": "b", "b": ""}, []),
        ({"a": "bc", "b": "c", "c": ""}, []),
        ({"a": "b", "b": "a"}, ["a → b → a"]),
        ({"a": "b", "b": "c", "c": "a"}, ["a → b → c → a"]),
        ({"a": "b", "b": "c", "c": "b"}, ["b → c → b"]),
        ({"a": "b", "b": "a", "c": "d", "d": "c"}, ["a → b → a", "c → d → c"]),
    ],
)
def test_fallbacks_make_no_circle(fallbacks, circles):
    """Each circle is told once, from where it begins; a way that only meets again is none."""
    models = {alias: route(fallbacks=tuple(others)) for alias, others in fallbacks.items()}

    assert [problem.split("circle: ")[1].split(";")[0] for problem in problems(models)] == circles


@pytest.mark.parametrize(
    ("models", "warning"),
    [
        (
            {"a": route(target(), target(IMPORTED, "llama3"), defaults={"stop": ["x"], "top_logprobs": 1})},
            None,
        ),
        (
            {"a": route(target(), target(IMPORTED, "openai_chat"), defaults={"seed": 7})},
            "models.a.defaults.seed: not sent to targets of family claude, which has no such parameter.",
        ),
        (
            {"a": route(target(cold_start=ColdStartEntry(keep_warm="always")))},
            "models.a.targets[0].cold_start: only imported models go cold; this has no effect.",
        ),
        (
            {"a": route(timeouts=TimeoutsEntry(total_seconds=30.0, first_token_seconds=90.0))},
            "models.a.timeouts.first_token_seconds: 90 is longer than total_seconds, which ends the request first.",
        ),
    ],
)  # fmt: skip
def test_what_is_probably_not_meant_is_a_warning(models, warning):
    """Legal, but without effect somewhere: said, not refused."""
    made = document(models)

    assert made.warnings == ([] if warning is None else [warning])


def test_a_shorter_total_alone_is_no_warning():
    """Nobody is warned about a default that they did not write."""
    assert document({"a": route(timeouts=TimeoutsEntry(total_seconds=30.0))}).warnings == []


def test_a_value_that_one_family_refuses_is_a_problem():
    """A default must fit every target that has the parameter, for any of them may be asked."""
    models = {"a": route(target(IMPORTED, "openai_chat"), target(), defaults={"temperature": 1.5})}

    assert len(problems(models)) == 1
    assert 'family "claude"' in problems(models)[0]


SUBJECT = Subject(ARN, "provisioned-model", "us-west-2")
HAIKU = Card(ARN, "provisioned-model", "us-west-2", base_model="anthropic.claude-3-haiku-20240307-v1:0", status="InService")
IMPORT = Card(IMPORTED, "imported-model", "us-east-1", architecture="llama", created_at=1_800_000_000)
OPEN = {"a": route(target(family=None))}
PLACE = "models.a.targets[0].family"


def test_a_family_that_is_not_written_is_open():
    """Nobody asked yet: no problem and no family, but what to ask, and as whom."""
    role = "arn:aws:iam::210987654321:role/r"
    made = document({"a": route(target(family=None), target(IMPORTED, None, role_arn=role))})

    assert made.problems == []
    assert made.open == {
        PLACE: SUBJECT,
        "models.a.targets[1].family": Subject(IMPORTED, "imported-model", "us-east-1", role),
    }
    assert {(each.family, each.family_origin) for each in made.snapshot.targets()} == {("", "unknown")}


def test_a_card_gives_the_family():
    """What AWS said fills what is not written, and the target keeps the card."""
    made = document(OPEN, findings={SUBJECT: HAIKU})

    (found,) = made.snapshot.targets()
    assert (made.problems, made.warnings, made.open) == ([], [], {})
    assert (found.family, found.family_origin, found.card) == ("claude", "identified", HAIKU)
    assert found.subject == SUBJECT


@pytest.mark.parametrize(
    ("fields", "template"), [({}, "mistral"), ({"built_in_template": "chatml"}, "chatml")], ids=["likely", "written"]
)
def test_an_import_without_a_template_gets_the_likely_one(fields, template):
    """By its architecture, unless the document says another."""
    card = Card(IMPORTED, "imported-model", "us-east-1", architecture="mistral", created_at=1_800_000_000)
    made = document(
        {"a": route(target(IMPORTED, None, **fields))}, findings={Subject(IMPORTED, "imported-model", "us-east-1"): card}
    )

    (found,) = made.snapshot.targets()
    assert (found.family, found.built_in_template) == ("openai_completion", template)


def test_a_template_that_is_written_is_taken():
    """For a family that has a prompt to write by it."""
    (found,) = document({"a": route(target(family="llama3", built_in_template="granite"))}).snapshot.targets()

    assert found.built_in_template == "granite"


def test_an_import_of_several_bodies_is_negotiated():
    """The target says so, and the operator is told of a template that AWS knows nothing of."""
    made = document({"a": route(target(IMPORTED, None))}, findings={Subject(IMPORTED, "imported-model", "us-east-1"): IMPORT})

    (found,) = made.snapshot.targets()
    assert (found.family, found.family_origin) == ("openai_completion", "negotiated")
    assert made.warnings[0].startswith(f"{PLACE}: AWS tells of no chat template in this import")


@pytest.mark.parametrize(
    ("finding", "problem"),
    [
        (
            Unidentified("does not allow this gateway the IAM action bedrock:GetProvisionedModelThroughput on it"),
            "AWS does not allow this gateway the IAM action bedrock:GetProvisionedModelThroughput on it. Mend that, or write one, such",
        ),
        (
            Unidentified("knows no such provisioned-model in us-west-2", gone=True),
            "AWS knows no such provisioned-model in us-west-2: write the ARN of one that is there",
        ),
        (
            Card(ARN, "provisioned-model", "us-west-2", base_model="amazon.nova-canvas-v1:0"),
            "AWS does not decide it: its base model is amazon.nova-canvas-v1:0, of which no family is known. Write one, such as",
        ),
        (None, "AWS was not asked"),
    ],
    ids=["denied", "gone", "undecided", "not asked"],
)
def test_what_aws_does_not_tell_is_a_problem(finding, problem):
    """Neither written nor found: refused, with what AWS said and what to write."""
    (told,) = problems_of(document(OPEN, findings={} if finding is None else {SUBJECT: finding}))

    assert told.startswith(f"{PLACE}: not written, and {problem}")


def problems_of(made):
    return [str(problem) for problem in made.problems]


@pytest.mark.parametrize(
    ("finding", "warnings"),
    [
        (HAIKU, []),
        (
            Card(ARN, "provisioned-model", "us-west-2", base_model="meta.llama2-13b-v1:0"),
            [f"{PLACE}: claude is written and wins; AWS's facts ask for llama2: its base model is meta.llama2-13b-v1:0."],
        ),
        (Card(ARN, "provisioned-model", "us-west-2", base_model="stability.sd3-5-large-v1:0"), []),
        (
            Unidentified("did not answer in time"),
            [f"{PLACE}: claude is written and wins; AWS did not answer in time."],
        ),
        (
            Card(ARN, "provisioned-model", "us-west-2", base_model=HAIKU.base_model, status="Failed"),
            ["models.a.targets[0]: AWS says that its status is Failed."],
        ),
    ],
    ids=["agreeing", "contradicting", "undecided", "refused", "failed"],
)
def test_what_is_written_wins(finding, warnings):
    """Whatever AWS says, the written family is served; where AWS says otherwise, the operator is told."""
    made = document({"a": route()}, findings={SUBJECT: finding})

    (served,) = made.snapshot.targets()
    assert (served.family, served.family_origin) == ("claude", "written")
    assert (made.problems, made.warnings) == ([], warnings)


def test_defaults_wait_until_every_family_is_known():
    """A default that no known family has may be one that the open family has: it is judged when all are known."""
    models = {"a": route(target(IMPORTED, "titan"), target(family=None), defaults={"top_k": 5})}

    assert problems_of(document(models)) == []
    assert problems_of(document(models, findings={SUBJECT: HAIKU})) == []
    assert "no target's family (titan" in problems_of(document(models, findings={SUBJECT: TITAN}))[0]


TITAN = Card(ARN, "provisioned-model", "us-west-2", base_model="amazon.titan-text-express-v1:0")


def test_a_prompt_format_is_read():
    """An alias's format is read once, with its places; one that cannot be is a problem at its place."""
    read = document({"a": route(prompt=PromptEntry("Q: {message}", ("Q:",)))})
    refused = document({"a": route(prompt=PromptEntry("{a.b}"))})

    assert read.snapshot.routes["a"].prompt.places == ("message",)
    assert read.snapshot.routes["a"].prompt.stop == ("Q:",)
    assert [problem.path for problem in refused.problems] == ["models.a.prompt.template"]
