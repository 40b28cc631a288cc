from django.apps import AppConfig


class SimulatorsConfig(AppConfig):
    """Simulated chargers for the demo, tests and benchmarks; installed in no production settings."""

    name = "simulators"
