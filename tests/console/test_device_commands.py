"""The dialogs and lists of what chargers hold: reservations, limits, files, certificates."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from chargepoints.models import ChargingProfile, Command
from csms.common.clock import BANGKOK, now
from tests.console.conftest import World
from tests.support.factories import make_id_token
from transactions.models import Reservation

SignIn = Callable[[User], Client]
pytestmark = pytest.mark.django_db
LISTS = [
    "chargepoints_certificaterequest",
    "chargepoints_chargingprofile",
    "chargepoints_compositeschedule",
    "chargepoints_configurationvalue",
    "chargepoints_installedcertificate",
    "chargepoints_locallist",
    "chargepoints_locallistentry",
    "chargepoints_locallistupdate",
    "chargepoints_maintenanceevent",
    "chargepoints_maintenancejob",
    "chargepoints_securityevent",
    "transactions_reservation",
]


def send(client: Client, world: World, name: str, **fields: str) -> int:
    data = {"command": name, **{f"{name}-{field}": value for field, value in fields.items()}}
    return client.post(reverse("admin:console_command", args=[world.ours.pk]), data).status_code


def test_dialogs_make_what_the_commands_stand_for(world: World, sign_in: SignIn) -> None:
    make_id_token("CARD-DIALOG")
    client = sign_in(world.staff)
    until = (now() + timedelta(hours=2)).astimezone(BANGKOK).replace(second=0, microsecond=0)
    fields = {"evse_id": "1", "id_token": "CARD-DIALOG", "expires_at": f"{until:%Y-%m-%dT%H:%M}"}
    assert send(client, world, "reserve", **fields) == 202
    assert send(client, world, "reserve", **fields) == 409
    assert Reservation.objects.get().expires_at == until
    assert send(client, world, "set_charging_limit", evse_id="0", limit="16.1", unit="A") == 202
    assert ChargingProfile.objects.get().periods == [{"start": 0, "limit": 161}]
    assert send(client, world, "update_firmware", location="no address") == 400
    assert send(client, world, "get_logs", location="ftp://x.example", log_type="security") == 202
    assert send(client, world, "send_local_list", update_type="differential") == 202
    assert Command.objects.count() == 4


def test_staff_see_the_lists_but_not_the_authority(world: World, sign_in: SignIn) -> None:
    client = sign_in(world.staff)
    for name in LISTS:
        assert client.get(reverse(f"admin:{name}_changelist")).status_code == 200, name
    url = reverse("admin:chargepoints_certificateauthority_changelist")
    assert client.get(url).status_code == 403
    assert sign_in(world.superadmin).get(url).status_code == 200
