"""Answers the ports for real: the only importer of libvirt, sockets, processes, watchfiles and the clock."""
