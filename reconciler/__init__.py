"""Reconcile guests, and the resources on hosts and in guests, with what a git repository declares."""
