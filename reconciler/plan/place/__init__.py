"""Assigns every resource to a node, or to none; `placement` is the way in."""
