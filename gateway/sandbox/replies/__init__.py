"""What the sandbox's models say. Deterministic: an ``Ask`` in, an ``Answer`` out; knows no dialect and no HTTP."""
