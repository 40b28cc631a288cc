"""Personal data: no table that points at people is forgotten."""

from typing import Any

import pytest
from django.apps import apps

from accounts.models import (
    User,
)
from csms.common import personal_data
from transactions.models import Session

pytestmark = pytest.mark.django_db


def points_at_people(model: Any) -> bool:
    return model is User or any(
        field.is_relation and field.concrete and field.related_model is User
        for field in model._meta.get_fields()
    )


def test_every_table_that_points_at_people_is_exported_or_excused() -> None:
    described = personal_data.registered()
    exported = {label for app in described for one in app.exports for label in one.models}
    excused = {label for app in described for label in app.not_exported}
    with_people = {
        model._meta.label
        for model in apps.get_models(include_auto_created=True)
        if points_at_people(model)
    }
    assert with_people - exported - excused == set(), "export it, or say why not"
    assert excused <= with_people, "an excuse for what points at nobody"
    assert not exported & excused
    assert all(len(reason) > 10 for app in described for reason in app.not_exported.values())


def test_what_hangs_on_a_drivers_session_is_exported_too() -> None:
    exported = {label for one in personal_data.exports() for label in one.models}
    hanging = {relation.related_model._meta.label for relation in Session._meta.related_objects} - {
        "transactions.ReviewItem",
        "transactions.Reservation",
    }
    assert hanging <= exported


def test_kinds_are_named_once() -> None:
    described = personal_data.registered()
    for names in (
        [one.kind for app in described for one in app.exports],
        [one.kind for app in described for one in app.erasures],
        [rule.kind for app in described for rule in app.retention],
    ):
        assert len(names) == len(set(names))
