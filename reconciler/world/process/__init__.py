"""The embedded guest: our agent as a process of its own on the controller's machine."""
