"""What programs on nodes are told: `crm_attribute`, `crm_node`, `crm_mon` and their like talk to us through the agent.

A node may set its own attributes and look at a view of the cluster that holds no parameters. All else is refused.
"""
