"""ONE table: command -> what follows from it in the rows, in the same transaction."""

from chargepoints.services import effects


def table() -> dict[str, effects.Effects]:
    from transactions.services import reserving

    return {
        "cancel_reservation": reserving.CANCEL,
        "reserve": reserving.RESERVE,
    }


def register() -> None:
    for name, effect in table().items():
        effects.register(name, effect)
