"""A charger's new password waits in the outbox: nobody reads it there."""

import json
from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from accounts.models import User
from chargepoints.models import Command
from chargepoints.services import commands
from csms.common.masking import MASK
from csms.common.models import AuditEntry
from tests.console.conftest import World

SECRET = "a-new-station-password"
KEY = {"key": "AuthorizationKey", "value": SECRET}


def test_a_queued_password_is_masked_wherever_it_could_be_seen(
    world: World, sign_in: Callable[[User], Client]
) -> None:
    raw = {"action": "ChangeConfiguration", "payload": KEY}
    for name, parameters in (("set_configuration", KEY), ("ocpp", raw)):
        commands.request(world.ours, name, parameters, actor=world.superadmin)
    client = sign_in(world.superadmin)
    paths = [
        f"/admin/stations/{world.ours.pk}/",
        reverse("admin:chargepoints_command_changelist"),
        reverse("admin:common_auditentry_changelist"),
    ]
    for command in Command.objects.all():
        assert SECRET in json.dumps(command.parameters)  # it has to be sent yet
        paths.append(reverse("admin:chargepoints_command_change", args=[command.pk]))
    for entry in AuditEntry.objects.all():
        assert SECRET not in json.dumps(entry.changes)
        paths.append(reverse("admin:common_auditentry_change", args=[entry.pk]))
    assert len(paths) == 7
    for path in paths:
        response = client.get(path)
        assert response.status_code == 200
        assert SECRET not in response.content.decode(), path
    assert MASK in client.get(paths[3]).content.decode()
