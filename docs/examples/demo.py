"""`make demo`: real chat completions through the official `openai` client, to one alias of every family.

Starts `quarry serve --sandbox` on a free port, asks, prints, stops. No AWS account is involved.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from openai import OpenAI
from rich.console import Console
from rich.rule import Rule

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

console = Console(highlight=False, width=min(110, Console().width))


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
        process.terminate()
        process.communicate()


def ask(client: OpenAI, alias: str) -> None:
    """One whole answer."""
    began = time.perf_counter()
    raw = client.chat.completions.with_raw_response.create(model=alias, messages=SUMMARISE, max_tokens=120)
    reply = raw.parse()
    console.print(reply.choices[0].message.content.strip())
    facts(raw.headers, reply.usage, seconds=time.perf_counter() - began)


def ask_streaming(client: OpenAI, alias: str) -> None:
    """The same, as it is spoken."""
    began, first, usage = time.perf_counter(), None, None
    with client.chat.completions.with_streaming_response.create(
        model=alias, messages=SUMMARISE, max_tokens=120, stream=True, stream_options={"include_usage": True}
    ) as raw:
        for chunk in raw.parse():
            if chunk.choices and chunk.choices[0].delta.content:
                first = first or time.perf_counter()
                console.print(chunk.choices[0].delta.content, end="")
            usage = chunk.usage or usage
        console.print()
        facts(raw.headers, usage, seconds=time.perf_counter() - began, ttft=first and first - began)


def ask_with_tool(client: OpenAI, alias: str) -> None:
    """A question that a function answers."""
    began = time.perf_counter()
    raw = client.chat.completions.with_raw_response.create(
        model=alias,
        messages=[{"role": "user", "content": "Please change the room of booking number 48213 to room 614."}],
        tools=[ROOM_TOOL],
        max_tokens=120,
    )
    reply = raw.parse()
    for call in reply.choices[0].message.tool_calls or []:
        console.print(f"calls [bold]{call.function.name}[/bold]({call.function.arguments})")
    assert reply.choices[0].finish_reason == "tool_calls", reply
    facts(raw.headers, reply.usage, seconds=time.perf_counter() - began)


def facts(headers: Any, usage: Any, *, seconds: float, ttft: float | None = None) -> None:
    """What the answer took."""
    told = [
        f"{usage.prompt_tokens} + {usage.completion_tokens} tokens",
        f"first token {ttft * 1e3:.0f} ms" if ttft else f"{seconds * 1e3:.0f} ms",
        f"target {headers['x-quarry-target']}",
        f"attempts {headers['x-quarry-attempts']}",
    ]
    if "x-quarry-cold-start-seconds" in headers:
        told.append(f"held {headers['x-quarry-cold-start-seconds']} s for a cold model")
    if "x-quarry-ignored-parameters" in headers:
        told.append(f"ignored {headers['x-quarry-ignored-parameters']}")
    console.print(f"[dim]{' · '.join(told)}[/dim]\n")


def main() -> None:
    """Every alias once; Claude also streamed and with a tool."""
    with gateway() as listening:
        client = OpenAI(base_url=f"{listening['url']}/v1", api_key=listening["key"], max_retries=0)
        aliases = [model.id for model in client.models.list()]
        for alias in aliases:
            console.print(Rule(f"[bold]{alias}", align="left"))
            ask(client, alias)
        claude = "haiku-support"
        console.print(Rule(f"[bold]{claude}, streamed", align="left"))
        ask_streaming(client, claude)
        console.print(Rule(f"[bold]{claude}, with a tool", align="left"))
        ask_with_tool(client, claude)
        console.print(Rule(align="left"))
        console.print(
            f"Metrics were at {listening['url']}/metrics, the API's description at {listening['url']}/schema/openapi.json."
        )
        console.print("Keep it running with [bold]make serve[/bold]; the same key works there.")


if __name__ == "__main__":
    main()
