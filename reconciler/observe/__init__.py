"""Asks the ports what is there, and never raises: what can't be read is UNKNOWN."""
