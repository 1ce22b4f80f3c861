"""`make demo`: real chat completions and embeddings through the official `openai` client, to one alias of every family.

Starts `quarry serve --sandbox` on a free port, asks, prints, stops. No AWS account is involved.
"""

import json
import operator
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from openai import OpenAI
from rich.console import Console
from rich.text import Text

DIALOGUE = """\
Receptionist: Good evening, welcome to the Harbour Hotel. How may I help you?
Guest: Hello, I have a reservation for three nights. The booking number is 48213.
Receptionist: Thank you. I see a double room with a sea view, breakfast included, until Thursday.
Guest: That is right. Could I have a room on a higher floor? I am a light sleeper.
Receptionist: Let me look. Yes, room 614 on the sixth floor is free and quiet. I have moved you there at no extra charge.
Guest: Wonderful. And what time is breakfast?
Receptionist: From half past six until ten, in the restaurant on the ground floor. Check-out is at eleven.
Guest: I leave early on Thursday, around five. Can I still get something to eat?
Receptionist: Of course. We will prepare a breakfast box and have it ready at the desk by half past four.
Guest: Perfect, thank you very much.
Receptionist: My pleasure. Here is your key card. The lifts are behind you on the left."""

SUMMARISE = [
    {"role": "system", "content": "You summarise conversations between hotel staff and guests."},
    {"role": "user", "content": f"Summarise the following conversation.\n\n{DIALOGUE}"},
]
CHANGE_ROOM = [{"role": "user", "content": "Please change the room of booking number 48213 to room 614."}]

ROOM_TOOL = {
    "type": "function",
    "function": {
        "name": "change_room",
        "description": "Move a reservation to another room.",
        "parameters": {
            "type": "object",
            "properties": {
                "booking_number": {"type": "integer", "description": "The booking number."},
                "room": {"type": "integer", "description": "The number of the new room."},
            },
            "required": ["booking_number", "room"],
        },
    },
}

FAMILIES = {
    "command-light-support": "cohere · provisioned throughput",
    "command-r": "cohere_chat · base model",
    "gpt-oss-guarded": "openai_chat · imported model, guarded",
    "gpt-oss-import": "openai_chat · imported model",
    "haiku-converse": "converse · provisioned throughput",
    "haiku-support": "claude · provisioned throughput",
    "llama2-support": "llama2 · provisioned throughput",
    "llama3-70b-support": "llama3 · custom-model deployment",
    "llama3-support": "llama3 · provisioned throughput",
    "nova-lite-support": "nova · custom-model deployment",
    "mistral-import": "mistral · imported model",
    "mistral-large": "mistral_chat · base model",
    "qwen-import": "openai_completion · imported model, asleep",
    "sonnet-3-7": "claude · base model",
    "sonnet-4-5": "claude_4_5 · base model",
    "titan-guarded": "titan · provisioned throughput, guarded",
    "titan-support": "titan · provisioned throughput",
}
EMBEDDERS = {
    "cohere-embed": "cohere_embed · base model",
    "cohere-embed-v4": "cohere_embed_v4 · base model",
    "titan-embed": "titan_embed · base model",
    "titan-embed-g1": "titan_embed_g1 · base model",
    "titan-image-embed": "titan_embed_image · provisioned throughput",
}
COMPARED = ["Could I have a room on a higher floor?", "Is a room free on a higher floor?", "What time is breakfast?"]
WITH_TOOLS = "haiku-support"
WIDEST = 100

console = Console(highlight=False, width=min(WIDEST, Console().width))


class Facts(NamedTuple):
    """What one answer took.

    Attributes:
        ttft_seconds: From asking to the first text; ``None`` for an answer that came whole.
    """

    headers: Any
    usage: Any
    seconds: float
    ttft_seconds: float | None = None


@contextmanager
def gateway() -> Iterator[dict[str, Any]]:
    """A gateway over the sandbox in a process of its own; what it says when it listens."""
    command = [sys.executable, "-m", "gateway", "serve", "--sandbox"]
    environment = {**os.environ, "QUARRY_PORT": "0"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=Path(__file__).parents[2])
    try:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "listening":
                yield event
                return
        raise SystemExit("the gateway did not start: its last lines are above")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def ask_streaming(client: OpenAI, alias: str) -> tuple[str, Facts]:
    """One answer as it is spoken."""
    began, first, usage, words = time.perf_counter(), None, None, ""
    with client.chat.completions.with_streaming_response.create(
        model=alias, messages=SUMMARISE, max_tokens=120, stream=True, stream_options={"include_usage": True}
    ) as raw:
        for chunk in raw.parse():
            if chunk.choices and chunk.choices[0].delta.content:
                first = first or time.perf_counter()
                words += chunk.choices[0].delta.content
            usage = chunk.usage or usage
        ended = time.perf_counter()
    return words.strip(), Facts(raw.headers, usage, ended - began, first and first - began)


def ask_with_tool(client: OpenAI, alias: str) -> tuple[str, Facts]:
    """A request that a function answers, whole."""
    began = time.perf_counter()
    raw = client.chat.completions.with_raw_response.create(model=alias, messages=CHANGE_ROOM, tools=[ROOM_TOOL], max_tokens=120)
    reply = raw.parse()
    (call,) = reply.choices[0].message.tool_calls
    arguments = ", ".join(f"{name}={value!r}" for name, value in json.loads(call.function.arguments).items())
    return f"{call.function.name}({arguments})", Facts(raw.headers, reply.usage, time.perf_counter() - began)


def embed(client: OpenAI, alias: str) -> tuple[str, Facts]:
    """How near three questions are to each other."""
    began = time.perf_counter()
    raw = client.embeddings.with_raw_response.create(model=alias, input=COMPARED)
    reply = raw.parse()
    asked, alike, other = (item.embedding for item in reply.data)
    near, far = (sum(map(operator.mul, asked, vector)) for vector in (alike, other))
    words = f"{len(asked)} dimensions: two questions about a room {near:.2f} alike, one about breakfast {far:.2f}"
    return words, Facts(raw.headers, reply.usage, time.perf_counter() - began)


def show(title: str, about: str, answer: str, facts: Facts) -> None:
    """One answer: who, what, and what it took, a line that never breaks at 80 columns."""
    console.print(f"[bold]{title}[/bold]  [dim]{about}[/dim]")
    for line in answer.splitlines():
        console.print(Text(textwrap.fill(line, console.width, initial_indent="  ", subsequent_indent="  ")))
    for line in told(facts):
        console.print(f"  [dim]{line}[/dim]")
    console.print()


def told(facts: Facts) -> Iterator[str]:
    """The facts in words."""
    headers, usage = facts.headers, facts.usage
    first = (
        f"whole in {facts.seconds * 1e3:.0f} ms"
        if facts.ttft_seconds is None
        else f"first token {facts.ttft_seconds * 1e3:.0f} ms"
    )
    yield f"{usage.prompt_tokens} + {usage.total_tokens - usage.prompt_tokens} tokens · {first} · target {headers['x-quarry-target']}"
    if "x-quarry-cold-start-seconds" in headers:
        yield f"was asleep: held {headers['x-quarry-cold-start-seconds']} s, answered at attempt {headers['x-quarry-attempts']}"
    if "x-quarry-ignored-parameters" in headers:
        yield f"ignored: {headers['x-quarry-ignored-parameters']}"


def main() -> None:
    """Every alias that answers streamed once, Claude with a tool, and what makes vectors."""
    with gateway() as listening:
        url, key = listening["url"], listening["key"]
        client = OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        aliases = [model.id for model in client.models.list() if model.id not in EMBEDDERS]
        console.print(f"A gateway over the sandbox: {url}, key [bold]{key}[/bold]")
        console.print(f"{len(aliases)} aliases summarise a guest's check-in at a hotel, each as a stream.\n")
        for alias in aliases:
            show(alias, FAMILIES.get(alias, ""), *ask_streaming(client, alias))
        for alias, about in EMBEDDERS.items():
            show(alias, about, *embed(client, alias))
        show(f"{WITH_TOOLS}, with a tool", FAMILIES[WITH_TOOLS], *ask_with_tool(client, WITH_TOOLS))
    console.print("[bold]make serve[/bold] keeps it running, with the same key, at http://127.0.0.1:8080:")
    for path, what in {"/v1/models": "the aliases", "/metrics": "what was counted", "/schema/openapi.json": "the API"}.items():
        console.print(f"  {path:22}{what}")


if __name__ == "__main__":
    main()
