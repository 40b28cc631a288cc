"""ONE table: what keeps a station from being archived, asked in the same transaction."""

from chargepoints.services import archiving


def table() -> dict[str, archiving.Obstacle]:
    from transactions.services.station_archiving import refuse_while_charging

    return {"sessions": refuse_while_charging}


def register() -> None:
    for name, obstacle in table().items():
        archiving.register(name, obstacle)
