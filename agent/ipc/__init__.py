"""The local sockets of Pacemaker's daemons, for `crm_attribute` and its like on a node that our agent serves.

The programs speak libqb's IPC to daemons that are not here. Like Pacemaker's own remote executor, the agent takes
their connections and passes each message on to the controller (daemons/execd/remoted_proxy.c).
"""
