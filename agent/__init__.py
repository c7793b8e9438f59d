"""The program that runs in guests and on hosts: it carries out operations on resources for a controller.

It speaks Pacemaker's remote executor protocol, so that a stock cluster can drive it as well as our
reconciler. It decides nothing: what runs where is the controller's business. It must not import anything
outside the standard library (libgnutls comes through `ctypes`), and must start under `python -I -S` from one
zip file, whose top holds this package and a `__main__.py` that calls `agent.__main__.main`.

Where things are:

- `__main__` the command line; `server`, `session` the connections; `requests` what each request does
- `resources` one queue per resource; `recurring` its monitors; `records`, `results` what outlives the agent
- `executor`, `shim` one operation as a process of its own; `processes` what Linux says about processes
- `resource_agents` from class, provider and type to a program; `ocf/` the resource agents that come with us,
  `standards/` what stands for systemd units and LSB scripts
- `wire/` bytes to messages and back; `tls` libgnutls
"""

VERSION = "0.1.0"
