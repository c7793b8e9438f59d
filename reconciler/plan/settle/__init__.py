"""Carries decisions over to all that depends on them."""
