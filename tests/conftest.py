"""Settings for all tests."""

import os

from hypothesis import HealthCheck, settings

# How long an example takes, or is thought up, says more of the machine than of the code: on a busy one it must fail
# nothing. Tests name how many examples they want and leave these two to this place (tests/architecture).
settings.register_profile("timeless", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# In CI the same examples each time, so that a change is judged and not the luck of the draw; elsewhere new ones.
settings.register_profile(
    "ci", settings.get_profile("timeless"), derandomize=True, database=None, print_blob=True
)
settings.load_profile("ci" if os.environ.get("CI") else "timeless")
