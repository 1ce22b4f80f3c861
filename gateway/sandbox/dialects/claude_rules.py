"""What makes no sense to Claude though every field is well formed, in Anthropic's words. Knows no reply.

Wording of what concerns thinking, caching and sampling: as callers of Bedrock recorded it in 2025 and 2026, each behind "The
model returned the following errors: ".
"""

from collections.abc import Iterator

from gateway.sandbox.dialects.claude_seals import is_redacted, is_sealed
from gateway.sandbox.dialects.dialect import Json, Origin
from gateway.sandbox.errors import AwsError, invalid

_MOST_CACHE_POINTS = 4
_LEAST_BUDGET = 1024
_THOUGHTS = ("thinking", "redacted_thinking")

_BLOCKS = {
    "user": {"text": "text", "image": "source", "document": "source", "tool_result": "tool_use_id"},
    "assistant": {"text": "text", "tool_use": "name", "thinking": "signature", "redacted_thinking": "data"},
}


def check_sense(body: Json, origin: Origin) -> None:
    """Refuse what the schema cannot say.

    Raises:
        AwsError: ``ValidationException``.
    """
    base = origin.model.base
    if body["max_tokens"] > base.max_tokens:
        raise invalid(
            f"max_tokens: {body['max_tokens']} > {base.max_tokens}, which is the maximum allowed number of output tokens for "
            f"{model_name(origin)}"
        )
    if body["messages"][0]["role"] != "user":
        raise invalid('messages: first message must use the "user" role')
    _check_tool_choice(body)
    _check_sampling(body, origin)
    _check_thinking(body)
    _check_cache(body)
    called: set[str] = set()
    for position, message in enumerate(body["messages"]):
        is_last = position == len(body["messages"]) - 1
        _check_message(message, position, called, is_last=is_last)


def _check_tool_choice(body: Json) -> None:
    choice = body.get("tool_choice")
    names = [tool["name"] for tool in body.get("tools", [])]
    if choice is None:
        return
    if not names:
        raise invalid("tool_choice may only be specified while providing tools.")
    if choice["type"] == "tool" and choice.get("name") not in names:
        raise invalid(f"tool_choice.tool.name: Tool '{choice.get('name')}' not found in provided tools")


def _check_message(message: Json, position: int, called: set[str], *, is_last: bool) -> None:
    blocks = blocks_of(message["content"])
    is_empty = not blocks or all(block["type"] == "text" and block.get("text") == "" for block in blocks)
    if is_empty and not (is_last and message["role"] == "assistant"):
        raise invalid("messages: text content blocks must be non-empty" if blocks else f"messages.{position}: content is empty")
    known = _BLOCKS[message["role"]]
    for index, block in enumerate(blocks):
        where = f"messages.{position}.content.{index}"
        if block["type"] not in known:
            raise invalid(f"{where}: Input tag '{block['type']}' found using 'type' does not match any of the expected tags")
        if known[block["type"]] not in block:
            raise invalid(f"{where}.{block['type']}.{known[block['type']]}: Field required")
        _check_seal(block, where)
        if block["type"] == "tool_use":
            called.add(block.get("id", ""))
        elif block["type"] == "tool_result" and block["tool_use_id"] not in called:
            raise invalid(f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {block['tool_use_id']}")


def blocks_of(content: str | list[Json]) -> list[Json]:
    """Content as blocks, however it was written."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def model_name(origin: Origin) -> str:
    """The model as its replies and refusals call it."""
    return origin.model.base.model_id.removeprefix("anthropic.").partition("-v1")[0]


def returned(words: str) -> AwsError:
    """A refusal of the model's own, as Bedrock hands it on."""
    return invalid(f"The model returned the following errors: {words}")


def _check_sampling(body: Json, origin: Origin) -> None:
    if origin.model.base.enforces and "temperature" in body and "top_p" in body:
        raise returned("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")


def is_thinking(body: Json) -> bool:
    """Whether the model is to think."""
    return bool(body.get("thinking", {}).get("type") == "enabled")


def _check_thinking(body: Json) -> None:
    if not is_thinking(body):
        return
    for words in _wrong_with_thinking(body):
        raise returned(words)
    *_, last = body["messages"]
    earlier = [message for message in body["messages"] if message["role"] == "assistant"]
    is_answering = last["role"] == "assistant" or any(block["type"] == "tool_result" for block in blocks_of(last["content"]))
    if not (earlier and is_answering):
        return
    place = body["messages"].index(earlier[-1])
    first = blocks_of(earlier[-1]["content"])[0]
    if first["type"] not in _THOUGHTS:
        raise returned(
            f"messages.{place}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{first['type']}`. When "
            "`thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of "
            "`tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this "
            "requirement, disable `thinking`."
        )


def _wrong_with_thinking(body: Json) -> Iterator[str]:
    budget = body["thinking"].get("budget_tokens")
    if budget is None:
        yield "thinking.enabled.budget_tokens: Field required"
    elif budget < _LEAST_BUDGET:
        yield f"thinking.enabled.budget_tokens: Input should be greater than or equal to {_LEAST_BUDGET}"
    elif body["max_tokens"] <= budget:
        yield "`max_tokens` must be greater than `thinking.budget_tokens`."
    if body.get("temperature", 1) != 1:
        yield "`temperature` may only be set to 1 when thinking is enabled."
    if "top_k" in body:
        yield "`top_k` must be unset when thinking is enabled."
    if body.get("top_p", 1) < 0.95:
        yield "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled."
    if body.get("tool_choice", {}).get("type") in {"any", "tool"}:
        yield "Thinking may not be enabled when tool_choice forces tool use."


def _check_seal(block: Json, where: str) -> None:
    if block["type"] == "thinking" and not is_sealed(block.get("thinking", ""), block["signature"]):
        raise returned(f"{where}: Invalid `signature` in `thinking` block")
    if block["type"] == "redacted_thinking" and not is_redacted(block["data"]):
        raise returned(f"{where}: Invalid `data` in `redacted_thinking` block")


def _check_cache(body: Json) -> None:
    held = [*body.get("tools", []), *blocks_of(body.get("system", "")), *all_blocks(body)]
    found = sum("cache_control" in each for each in held)
    if found > _MOST_CACHE_POINTS:
        raise returned(f"A maximum of {_MOST_CACHE_POINTS} blocks with cache_control may be provided. Found {found}.")
    if any("cache_control" in each and each.get("type") in _THOUGHTS for each in held):
        raise returned("messages: thinking.cache_control: Extra inputs are not permitted")


def all_blocks(body: Json) -> Iterator[Json]:
    """Every block of the turns, those inside results included."""
    for message in body["messages"]:
        for block in blocks_of(message["content"]):
            yield block
            if block["type"] == "tool_result":
                yield from blocks_of(block.get("content", ""))
