"""Bedrock's own dialect: turns made of content blocks. Amazon Nova's native body speaks it, and so does Converse.

Source: botocore's service model of bedrock-runtime (2023-09-30), Amazon Nova user guides (complete request schema, tool use),
wire form as recorded by openllmetry and opentelemetry-python-contrib; read 2026-11-22. What only one of the two envelopes
has stands in its family's file.
"""

from adapters.blocks.replies import decode, reader
from adapters.blocks.requests import body

__all__ = ["body", "decode", "reader"]
