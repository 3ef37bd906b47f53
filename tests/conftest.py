"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# No test is judged by the clock: a busy machine makes an example slow, not wrong.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
