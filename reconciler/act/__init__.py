"""Carries out the ready actions of a transition through the ports; decides nothing."""
