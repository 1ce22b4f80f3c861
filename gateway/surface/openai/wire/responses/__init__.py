"""OpenAI's Responses wire: ``request``, whose input is made of ``items``, the ``reply``, and the ``events`` of a stream.

The same Structs make the OpenAPI document, so their docstrings and ``Meta`` are read by callers. The official SDK's own
types are their referee: tests/referees/test_responses_schema.py.
"""
