"""An alias's guardrail: said inside the call where the target takes it there, applied around the call where not."""
