"""The hardware that simulated chargers claim to be. Vendors and models are made up."""

from dataclasses import dataclass

CONNECTOR_TYPES = {True: "CCS2", False: "Type2"}


@dataclass(frozen=True, slots=True)
class Hardware:
    """A model of charger: `connectors` of one kind, each with `power_w`."""

    vendor: str
    model: str
    firmware: str
    connectors: int
    power_w: int
    is_dc: bool

    @property
    def connector_type(self) -> str:
        return CONNECTOR_TYPES[self.is_dc]


MODELS = (
    Hardware("Chao Phraya Power", "CP-120 Twin", "3.4.1", 2, 120_000, True),
    Hardware("Chao Phraya Power", "CP-60", "3.4.1", 1, 60_000, True),
    Hardware("Lotus Electric", "Wall 22", "1.12.0", 1, 22_000, False),
    Hardware("Siam Volt", "SV-180", "2.0.7", 2, 150_000, True),
    Hardware("Lotus Electric", "Duo 22", "1.12.0", 2, 22_000, False),
)


def hardware_of(number: int) -> Hardware:
    """The model of the fleet's charger `number` (from 1)."""
    return MODELS[(number - 1) % len(MODELS)]


def identity_of(prefix: str, number: int) -> str:
    return f"{prefix}{number:04}"


def token_of(number: int) -> str:
    """The id token of the fleet's driver `number` (from 1): seven bytes, as on an RFID card."""
    return f"04A1B2C3{number:06X}"
