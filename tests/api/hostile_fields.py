"""What no request may set."""

from typing import Any

from django.db.models import Model


def every_field_of(*models: type[Model]) -> dict[str, Any]:
    """What an attacker would send: each column of the models, with a value that would hurt."""
    hostile = {
        "id": "0199c2de-6a0a-7c3e-b0ff-000000000000",
        "is_staff": True,
        "is_superuser": True,
        "role": "SUPERADMIN",
        "balance": "1000000.00",
    }
    for model in models:
        for field in model._meta.concrete_fields:
            relation = field.remote_field is not None
            hostile.setdefault(field.name, 1 if relation else "2020-01-01T00:00:00Z")
            hostile.setdefault(field.attname, 1)
    return hostile
