"""Links to agents: dialled, authenticated, restored, read."""
