"""What `chargepoints` holds about a person; see `csms.common.personal_data`."""

from datetime import datetime

from accounts.models import User
from chargepoints.models import Command, Favourite
from csms.common.personal_data import Erasure, Export, PersonalData, rows_of


def _forget_favourites(user: User, at: datetime) -> int:
    return Favourite.objects.filter(user=user).delete()[0]


def _anonymise_commands(user: User, at: datetime) -> int:
    """What chargers were asked stays in their history, by a number instead of an address."""
    label = f"user:{user.pk}"
    return Command.objects.filter(actor=user).exclude(actor_label=label).update(actor_label=label)


PERSONAL_DATA = PersonalData(
    exports=(
        Export(
            "favourites",
            "สถานีโปรด",
            "Favourite stations",
            ("chargepoints.Favourite",),
            rows_of(
                Favourite,
                "user",
                "created_at",
                identity="station__public_code",
                site="station__site__name",
            ),
        ),
        Export(
            "commands",
            "คำสั่งที่ท่านส่งถึงเครื่องชาร์จ",
            "What you asked chargers to do",
            ("chargepoints.Command",),
            rows_of(
                Command,
                "actor",
                "requested_at",
                "name",
                "status",
                "answered_at",
                identity="station__public_code",
            ),
        ),
    ),
    erasures=(
        Erasure("favourites", _forget_favourites),
        Erasure("command_labels", _anonymise_commands),
    ),
    not_exported={"chargepoints.Alert": "Names the staff who dealt with an alert."},
)
