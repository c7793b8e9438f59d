"""The command line: one command a module, heavy imports inside the commands."""
