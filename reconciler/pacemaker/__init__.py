"""Reads Pacemaker's CIB into the model, and says a transition in Pacemaker's words."""
