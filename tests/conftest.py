"""Hypothesis without deadlines, since machines differ; ``--hypothesis-profile thorough`` draws many more examples."""

from hypothesis import HealthCheck, settings

_common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much]}
settings.register_profile("quick", max_examples=40, **_common)
settings.register_profile("thorough", max_examples=500, **_common)
settings.load_profile("quick")
