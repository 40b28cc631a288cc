"""Two operators with one station each, and people who may see the one, or both."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY, devices_for_user

from accounts.models import Operator, User
from chargepoints.models import Station
from csms.common.clock import now
from csms.console.sessions import SESSION_KEY
from tests.support.factories import (
    connector_of,
    make_console_session,
    make_operator,
    make_site,
    make_staff,
    make_station,
    make_superadmin,
)
from transactions.models import ReviewItem, Session


@dataclass
class World:
    """`ours` is what `staff` works for; `theirs` belongs to another operator."""

    staff: User
    superadmin: User
    operator: Operator
    other_operator: Operator
    ours: Station
    theirs: Station
    our_session: Session
    their_session: Session
    their_review: ReviewItem


@pytest.fixture
def world(db: None) -> World:
    operator, other = make_operator("ours"), make_operator("theirs")
    ours = make_station("OURS-1", site=make_site(operator, "Our site"), connectors=2)
    theirs = make_station("THEIRS-1", site=make_site(other, "Their site"))
    their_session = open_session(theirs)
    return World(
        staff=make_staff("staff@example.com", operators=[operator]),
        superadmin=make_superadmin("root@example.com"),
        operator=operator,
        other_operator=other,
        ours=ours,
        theirs=theirs,
        our_session=open_session(ours),
        their_session=their_session,
        their_review=ReviewItem.objects.create(
            kind=ReviewItem.Kind.ORPHAN_STOP,
            station=theirs,
            session=their_session,
            content_key="x",
            received_at=now(),
        ),
    )


def open_session(station: Station, **fields: object) -> Session:
    return Session.objects.create(
        station=station,
        connector=connector_of(station),
        **{
            "state": "ACTIVE",
            "started_at": now(),
            "id_token_value": "CARD1",
            "meter_start_wh": 1000,
            **fields,
        },
    )


@pytest.fixture
def sign_in(client: Client) -> Callable[[User], Client]:
    """A client with the session that a full sign-in would have made."""

    def signed_in(user: User) -> Client:
        return signed_in_client(user, client)

    return signed_in


def signed_in_client(user: User, client: Client | None = None) -> Client:
    """The same without the fixture; a client of its own unless one is given."""
    client = client or Client()
    client.force_login(user, backend="accounts.backends.EmailBackend")
    opened = make_console_session(user)
    session = client.session
    session[DEVICE_ID_SESSION_KEY] = next(devices_for_user(user)).persistent_id
    session[SESSION_KEY] = str(opened.pk)
    session.save()
    return client


def is_inside(client: Client) -> bool:
    return client.get("/admin/").status_code == 200
