"""Every setting: name, type, default, unit, meaning. Knows neither files nor what the rooms do with a value.

The ``description`` of a field is its row in docs/configuration.md. ``extra`` may say a ``unit``, and ``secret`` for a value
that no output shows.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

SECONDS = {"unit": "seconds"}
BYTES = {"unit": "bytes"}
PER_MINUTE = {"unit": "per minute"}
SECRET = {"secret": True}

Count = Annotated[int, Meta(ge=1)]
Positive = Annotated[float, Meta(gt=0)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Text = Annotated[str, Meta(min_length=1)]
Origin = Annotated[str, Meta(pattern="^https?://[^/?#\\s]+/?\\Z")]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping in ``quarry.yaml``: values only, unknown names refused."""


class Tls(Section, frozen=True):
    """TLS of the endpoint itself; without it a load balancer speaks TLS. boto3 sends a bearer token over HTTPS only."""

    certificate: Annotated[Text, Meta(description="Path of the PEM certificate chain.")]
    key: Annotated[Text, Meta(description="Path of its PEM private key.")]


class Server(Section, frozen=True):
    """The HTTP endpoint."""

    host: Annotated[Text, Meta(description="Address to listen on.")] = "0.0.0.0"  # noqa: S104 - it ships in a container, and no route but health is open
    port: Annotated[int, Meta(ge=0, le=65535, description="TCP port to listen on; 0 lets the system choose a free one.")] = 8080
    workers: Annotated[Count, Meta(description="Processes that serve requests; scale by replicas first.")] = 1
    max_body_bytes: Annotated[
        int, Meta(ge=1024, description="Largest request body that is read; above it: 413.", extra=BYTES)
    ] = 26214400
    drain_seconds: Annotated[
        float, Meta(ge=0, description="After SIGTERM, how long requests under way may take to end.", extra=SECONDS)
    ] = 30.0
    tls: Annotated[Tls | None, Meta(description="Serve HTTPS with this certificate.")] = None
    sigv4_pepper: Annotated[
        Annotated[str, Meta(min_length=32)] | None,
        Meta(
            description="At least 32 random characters, from which the secrets of signing keys are derived; "
            "`openssl rand -hex 32` makes it. Another one changes them all.",
            extra=SECRET,
        ),
    ] = None
    metrics_port: Annotated[
        Port | None,
        Meta(description="A port for `/metrics` alone, open without a key. Absent: `/metrics` is on `port` and needs a key."),
    ] = None


class Identify(Section, frozen=True):
    """How AWS is asked which family a target speaks, where none is written."""

    deadline_seconds: Annotated[
        Positive,
        Meta(
            description="How long the start, and a reload, may wait for all answers; without them neither happens.", extra=SECONDS
        ),
    ] = 20.0
    refresh_seconds: Annotated[
        float,
        Meta(
            ge=0,
            description="How often what AWS said is asked again in the background, give or take a fifth; 0: never.",
            extra=SECONDS,
        ),
    ] = 900.0


class Aws(Section, frozen=True):
    """How AWS is reached. Credentials come from AWS's own default chain, never from this file."""

    region: Annotated[
        Annotated[str, Meta(pattern="^[a-z0-9-]{1,20}\\Z")] | None,
        Meta(description="Region of targets whose ARN names none. Absent: `AWS_REGION`, then `AWS_DEFAULT_REGION`."),
    ] = None
    endpoint_urls: Annotated[
        dict[Literal["bedrock-runtime", "bedrock", "sts", "s3"], Origin],
        Meta(description="URLs in place of AWS's own, by service: PrivateLink, a proxy, or the sandbox."),
    ] = {}
    identify: Annotated[Identify, Meta(description="How the families that are not written are found.")] = Identify()


class Redis(Section, frozen=True):
    """The truth about limits, shared by replicas. Absent: limits live in each process."""

    url: Annotated[str, Meta(pattern="^(redis|rediss|unix)://", description="`redis://`, `rediss://` (TLS) or `unix://`.")]
    on_failure: Annotated[
        Literal["local_share", "closed", "open"],
        Meta(description="While Redis is away: each replica enforces its share, refuses everything, or admits everything."),
    ] = "local_share"


class Database(Section, frozen=True):
    """The ledger of usage."""

    url: Annotated[str, Meta(pattern="^(sqlite:///|postgresql://)", description="`sqlite:///FILE` or `postgresql://…`.")]


class Capacity(Section, frozen=True):
    """What a target can carry."""

    tokens_per_minute: Annotated[Count | None, Meta(description="Input and output tokens together.", extra=PER_MINUTE)] = None
    concurrent_requests: Annotated[Count | None, Meta(description="Requests in flight at once.")] = None


class ColdStart(Section, frozen=True):
    """What to do while an imported model is restored."""

    patience_seconds: Annotated[float, Meta(ge=0, description="How long a request may be held for it.", extra=SECONDS)] = 300.0
    keep_warm: Annotated[
        Literal["never", "always", "business_hours", "while_traffic"],
        Meta(description="When to keep a copy running though nobody asks; a running copy is paid for."),
    ] = "never"


class ChatTemplate(Section, frozen=True):
    """The chat template that the model brought with it writes its prompts, where it is asked with one: see templates.md."""

    source: Annotated[
        Annotated[str, Meta(pattern="^s3://")] | None,
        Meta(
            description="S3 folder of the model's own files, `s3://BUCKET/PREFIX/`. Absent: where AWS says that it was imported from."
        ),
    ] = None
    sha256: Annotated[
        Annotated[str, Meta(pattern="^[0-9a-f]{64}\\Z")] | None,
        Meta(description="Digest of the template, as `quarry explain --identify` shows it; any other is refused. Absent: any."),
    ] = None
    enabled: Annotated[bool, Meta(description="False: the family's built-in template is the only one.")] = True


class Target(Section, frozen=True):
    """One invocable thing: a provisioned throughput, a deployment, an imported model."""

    arn: Annotated[Text, Meta(description="What Bedrock calls `modelId`. Never shown to a caller.")]
    name: Annotated[
        Text | None,
        Meta(
            description="Its label in metrics and `x-quarry-target`, unique in the file. Absent: the alias, or `ALIAS-N` of several."
        ),
    ] = None
    family: Annotated[
        Text | None,
        Meta(
            description="Dialect of its native body: `titan`, `cohere`, `llama2`, `llama3`, `claude`, `openai_chat`, … "
            "Absent: AWS is asked at the start."
        ),
    ] = None
    built_in_template: Annotated[
        Text | None,
        Meta(
            description="Chat template in place of its family's: `chatml`, `granite`, `llama2`, `llama3`, `llama3_pythonic`, `mistral`, `plain`. "
            "For families of bare prompts."
        ),
    ] = None
    region: Annotated[Text | None, Meta(description="Only for an id that names none. Absent: the ARN's, else `aws.region`.")] = (
        None
    )
    weight: Annotated[int, Meta(ge=0, description="Its share among the targets of its priority; 0 takes none.")] = 1
    priority: Annotated[int, Meta(ge=0, description="Lower is tried first.")] = 0
    role_arn: Annotated[Text | None, Meta(description="Role to assume for it. Absent: the gateway's own identity.")] = None
    capacity: Annotated[Capacity, Meta(description="What it can carry. Absent: unknown.")] = Capacity()
    cold_start: Annotated[ColdStart, Meta(description="For imported models, which are unloaded when idle.")] = ColdStart()
    chat_template: Annotated[
        ChatTemplate | None,
        Meta(description="Where the model's own chat template is. Absent: of an imported model looked for, of others not."),
    ] = None


class Timeouts(Section, frozen=True):
    """How long a request may take."""

    total_seconds: Annotated[
        Positive, Meta(description="From the request's arrival to its last byte, all attempts together.", extra=SECONDS)
    ] = 600.0
    first_token_seconds: Annotated[
        Positive, Meta(description="From sending an attempt to the first byte of its reply.", extra=SECONDS)
    ] = 120.0
    between_bytes_seconds: Annotated[
        Positive, Meta(description="Longest silence inside a reply that has begun.", extra=SECONDS)
    ] = 60.0
    connect_seconds: Annotated[Positive, Meta(description="To open a connection to AWS, TLS included.", extra=SECONDS)] = 5.0


class Prompt(Section, frozen=True):
    """The format that a model was trained on."""

    template: Annotated[
        Text,
        Meta(
            description="Text with named places: `{message}` is the last user message, `{system}` the system messages, every other a variable "
            "of the request's `metadata` or `quarry.variables`. `{{` and `}}` are braces."
        ),
    ]
    stop: Annotated[tuple[Text, ...], Meta(description="Where the answer ends, beside what the caller says.")] = ()


class Guardrail(Section, frozen=True):
    """The guardrail of an account that everything through the alias passes, both ways: see guardrails.md."""

    id: Annotated[
        str,
        Meta(
            pattern="^([a-z0-9]{1,64}|arn:aws[a-z-]{0,20}:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]{1,64})\\Z",
            description="Its id, or its ARN. Never shown to a caller.",
        ),
    ]
    version: Annotated[
        Annotated[int, Meta(ge=1, le=99_999_999)] | Annotated[str, Meta(pattern="^([1-9][0-9]{0,7}|DRAFT)\\Z")],
        Meta(description="A version's number, or `DRAFT`."),
    ]
    stream_characters: Annotated[
        int,
        Meta(
            ge=50,
            le=25_000,
            description="Where it is applied around the call: how much of a stream is held until it is checked and sent. "
            "Less comes sooner and costs more.",
            extra={"unit": "characters"},
        ),
    ] = 1000


class Route(Section, frozen=True):
    """What an alias stands for."""

    targets: Annotated[tuple[Target, ...], Meta(description="Whom to ask; at least one.")]
    description: Annotated[str, Meta(description="For people; listed with the model.")] = ""
    fallbacks: Annotated[
        tuple[str, ...], Meta(description="Other aliases, tried in order, only on failure before the first byte.")
    ] = ()
    defaults: Annotated[
        dict[str, Any],
        Meta(description="Parameters for requests that do not say, by OpenAI's names: `{max_tokens: 512, temperature: 0.2}`."),
    ] = {}
    ignore_parameters: Annotated[
        tuple[str, ...],
        Meta(
            description="Parameters to drop, and name in `x-quarry-ignored-parameters`, where the family cannot honour them. Else: 400."
        ),
    ] = ()
    timeouts: Annotated[Timeouts, Meta(description="How long a request may take.")] = Timeouts()
    guardrail: Annotated[
        Guardrail | None, Meta(description="What requests and answers are checked by. Absent: by nothing here.")
    ] = None
    prompt: Annotated[
        Prompt | None, Meta(description="The format that the model was trained on, in place of any chat template.")
    ] = None


class Limits(Section, frozen=True):
    """How much may be asked; what is absent is not limited."""

    requests_per_minute: Annotated[Count | None, Meta(description="Requests.", extra=PER_MINUTE)] = None
    tokens_per_minute: Annotated[Count | None, Meta(description="Input and output tokens together.", extra=PER_MINUTE)] = None
    concurrent_requests: Annotated[Count | None, Meta(description="Requests in flight at once.")] = None
    usd_per_month: Annotated[
        Positive | None, Meta(description="Money in a calendar month (UTC).", extra={"unit": "US dollars"})
    ] = None


class Key(Section, frozen=True):
    """A gateway key: who may ask for what. Its secret is nowhere; `quarry keys create` makes one."""

    name: Annotated[Text, Meta(description="For people, unique in the file.")]
    hash: Annotated[
        str,
        Meta(
            pattern="^sha256:[0-9a-fA-F]{64}\\Z", description="Hash of the whole key string; never the key itself.", extra=SECRET
        ),
    ]
    id: Annotated[
        Annotated[str, Meta(pattern="^[A-Za-z0-9]{1,32}\\Z")] | None,
        Meta(description="Shown in logs; the middle of a minted key. Absent: the first 12 digits of the hash."),
    ] = None
    owner: Annotated[str, Meta(description="Who answers, and pays, for it.")] = ""
    models: Annotated[tuple[str, ...], Meta(description="Globs over aliases.")] = ("*",)
    scopes: Annotated[
        tuple[Literal["invoke", "metrics", "admin:read", "admin"], ...], Meta(description="What it may do besides naming itself.")
    ] = ("invoke",)
    sigv4: Annotated[
        bool, Meta(description="Whether requests below `/bedrock` may be signed with its pair; `quarry keys create --sigv4`.")
    ] = False
    limits: Annotated[Limits, Meta(description="Its own limits.")] = Limits()


class Settings(Section, frozen=True):
    """All of ``quarry.yaml``."""

    server: Annotated[Server, Meta(description="The HTTP endpoint.")] = Server()
    aws: Annotated[Aws, Meta(description="How AWS is reached.")] = Aws()
    redis: Annotated[Redis | None, Meta(description="Where replicas share limits.")] = None
    database: Annotated[Database | None, Meta(description="Where usage is kept.")] = None
    models: Annotated[dict[str, Route], Meta(description="Alias to route.")] = {}
    limits: Annotated[Limits, Meta(description="For everyone, below any key's own.")] = Limits()
    keys: Annotated[tuple[Key, ...], Meta(description="Who may ask.")] = ()
