"""Decides: from intent, observation, history and the time, a transition. Pure; sorts before it iterates."""
