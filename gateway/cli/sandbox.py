"""``quarry sandbox``: the sandbox Bedrock alone, for boto3, CI and other teams."""

import os
from contextlib import ExitStack
from pathlib import Path

import click

from gateway.sandbox import config as configuration
from gateway.sandbox.s3 import s3
from gateway.sandbox.serve import run
from gateway.sandbox.signature import Credentials, from_environment
from gateway.sandbox.world import World

_WELCOME = """\
Sandbox Bedrock at {url} ({region}, {count} models). Ctrl-C stops it.

Point boto3 at it:

    import boto3, json
    bedrock = boto3.client("bedrock-runtime", endpoint_url="{url}", region_name="{region}",
                           aws_access_key_id="{key_id}", aws_secret_access_key={secret})
    reply = bedrock.invoke_model(modelId="{arn}",
                                 body=json.dumps({{"inputText": "User: Hello\\nBot:"}}))
    print(reply["body"].read())

or any AWS SDK: AWS_ENDPOINT_URL_BEDROCK_RUNTIME={url} AWS_ENDPOINT_URL_BEDROCK={url}
Models: {url}/_sandbox/models   Requests: {url}/_sandbox/requests   Faults: {url}/_sandbox/faults
"""


@click.command(name="sandbox")
@click.option("--port", type=click.IntRange(1, 65535), default=9000, show_default=True, help="TCP port to listen on.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for every interface.")
@click.option(
    "--config",
    "config_path",
    metavar="F",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML file: region, pace, cold-start times in seconds, further models.  [default: none]",
)
@click.option(
    "--pace",
    metavar="TOKENS_PER_SECOND",
    type=click.FloatRange(min=0),
    help="Output tokens per second of every reply, whole or streamed; 0 is as fast as possible.  [default: 0]",
)
@click.option(
    "--with-s3",
    is_flag=True,
    help="Bring an empty S3 along (moto's, a development dependency), on the port above --port; it takes any signature.",
)
def sandbox(port: int, host: str, config_path: Path | None, pace: float | None, with_s3: bool) -> None:
    """Serve a Bedrock to talk to when there is none.

    It checks signatures with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of its own environment, else sandbox / sandbox.
    """
    credentials = from_environment(os.environ)
    try:
        config = configuration.read(config_path) if config_path else configuration.Config()
        world = configuration.world(config, credentials, pace=pace)
    except ValueError as problem:
        raise click.UsageError(str(problem)) from problem
    with ExitStack() as beside:
        s3_url = _s3(beside, host, port + 1) if with_s3 else None
        click.echo(welcome(world, f"http://{host}:{port}", credentials, s3_url))
        try:
            run(world, host, port)
        except OSError as problem:
            raise click.ClickException(f"cannot listen on {host}:{port}: {problem.strerror}") from problem


def _s3(beside: ExitStack, host: str, port: int) -> str:
    try:
        return beside.enter_context(s3(host, port))
    except RuntimeError as problem:
        raise click.ClickException(str(problem)) from problem
    except (OSError, OverflowError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise click.ClickException(f"--with-s3 cannot listen on {host}:{port}, one above --port: {reason}") from problem


def welcome(world: World, url: str, credentials: Credentials, s3_url: str | None = None) -> str:
    """How to point an SDK at it; a secret from the environment is named, not shown."""
    is_default = credentials.secret_access_key == Credentials().secret_access_key
    secret = '"sandbox"' if is_default else 'os.environ["AWS_SECRET_ACCESS_KEY"]'
    first = world.shelf.entries[0]
    beside = f"S3, empty: AWS_ENDPOINT_URL_S3={s3_url}\n" if s3_url else ""
    return (
        _WELCOME.format(
            url=url,
            region=world.region,
            count=len(world.shelf.entries),
            key_id=credentials.access_key_id,
            secret=secret,
            arn=first.arn,
        )
        + beside
    )
