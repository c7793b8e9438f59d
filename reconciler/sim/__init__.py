"""Answers the ports in memory, with seeds, virtual time and faults."""
