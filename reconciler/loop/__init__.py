"""The reconcile loop: wake, load, observe, plan if the baseline moved, check, launch what is ready, sleep."""
