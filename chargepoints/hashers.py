from django.contrib.auth.hashers import Argon2PasswordHasher


class StationPasswordHasher(Argon2PasswordHasher):
    """Argon2id for passwords of charging stations.

    These are random strings of 16 to 40 characters made by us, not chosen by people, and 5,000
    chargers reconnect in the same minute after a power cut: about 2 ms each instead of 160.
    """

    algorithm = "argon2station"
    time_cost = 1
    memory_cost = 4096
    parallelism = 1
