"""Whom to ask now: an order over a route's targets, and the attempts that walk it. Knows no family, no body and no HTTP."""
