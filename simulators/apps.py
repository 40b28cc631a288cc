from django.apps import AppConfig


class SimulatorsConfig(AppConfig):
    """Simulated chargers for the demo, tests and benchmarks. Never in production."""

    name = "simulators"
