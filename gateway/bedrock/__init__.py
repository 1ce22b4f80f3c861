"""Transport: bytes and ARNs to Bedrock and back. Knows no family, no alias and no caller."""
