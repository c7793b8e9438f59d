"""Guests of libvirt: domains, their disks, and what is delivered into them."""
