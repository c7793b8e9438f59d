"""Settings for all tests."""

import os

from hypothesis import settings

# In CI the same examples each time, so that a change is judged and not the luck of the draw; elsewhere new ones.
# And without deadlines: how long an example takes says more of the machine than of the code.
settings.register_profile("ci", derandomize=True, database=None, deadline=None, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
