"""Cache points that a family takes, and those that leave."""

from adapters import FAMILIES, parameters
from adapters.chat import CachePoint, ChatRequest, Message, Text, ToolSpec

CLAUDE = FAMILIES["claude"]


def test_of_too_many_cache_points_the_last_stay():
    """Those at the prompt's front leave, tools' first, and are named: the last reach furthest, and contain the others."""
    tools = (ToolSpec("look", None, {}, cache_point=CachePoint()), ToolSpec("see", None, {}, cache_point=CachePoint("1h")))
    turn = Message("user", (Text("Hi"), CachePoint("5m")) * 4)
    fitted, ignored = parameters.fit(ChatRequest((turn,), tools=tools), CLAUDE)
    fewer, unnamed = parameters.fit(ChatRequest((Message("user", turn.parts[:4]),), tools=tools), CLAUDE)

    assert [tool.cache_point for tool in fitted.tools] == [None, None]
    assert fitted.messages == (turn,)
    assert ignored == ("cache_control",)
    assert (fewer.tools, unnamed) == (tools, ())


def test_the_surplus_leaves_from_the_front():
    """Five in one message: the first of them leaves."""
    fitted, ignored = parameters.fit(ChatRequest((Message("user", (Text("Hi"), CachePoint()) * 5),)), CLAUDE)

    assert fitted.messages[0].parts == (Text("Hi"), *(Text("Hi"), CachePoint()) * 4)
    assert ignored == ("cache_control",)
