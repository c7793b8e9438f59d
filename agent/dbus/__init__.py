"""As much of D-Bus as it takes to ask one service for something: messages as bytes, and a client on a Unix socket.

Loaded in the processes of operations only, never in the agent itself. Source: D-Bus Specification 0.42.
"""
