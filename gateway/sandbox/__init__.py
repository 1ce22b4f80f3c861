"""A Bedrock to talk to when there is none. Written from AWS's documents; must never know ``adapters``."""
