"""Who asks: keys, their owners and scopes. Knows no secret after it was minted, and no alias."""
