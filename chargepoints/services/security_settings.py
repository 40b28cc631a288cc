"""The settings of a charger with which it signs in: its password and its security profile.

What a charger was told does not count at once: it may fail with it, and falls back to what it had
(security whitepaper, A01 and A05). So both are right until the first connection with the new one,
and from then on only that. An answer that never came changes nothing of this: who has accepted is
let in, and who has not is let in as before.
"""

from collections.abc import Callable
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from chargepoints.domain.states import CommandStatus
from chargepoints.locks import lock_station
from chargepoints.models import Command, PasswordChange, Station
from chargepoints.services import configuration, passwords
from chargepoints.services.effects import Effects, Outcome
from csms.common import audit
from csms.common.audit import SystemActor
from csms.common.errors import Conflict, FieldError, InvalidInput

ACTOR = SystemActor("sign-in")
# Configuration keys of the charger, without regard to case.
AUTHORIZATION_KEY: Final = "authorizationkey"
SECURITY_PROFILE: Final = "securityprofile"
PASSWORD_PROFILES: Final = (Station.SecurityProfile.BASIC, Station.SecurityProfile.TLS_BASIC)
# Each is a hash to try when the password is not the station's.
MOST_OPEN_CHANGES = 3
_RAW_ACTION = "ChangeConfiguration"


# --- What the commands do -------------------------------------------------------------------------


def _told(parameters: dict[str, Any]) -> tuple[str, str]:
    """The key and the value, also of a raw request: who changes a lock must not lose the key."""
    if parameters.get("action") == _RAW_ACTION:
        parameters = parameters.get("payload") or {}
    return str(parameters.get("key", "")), str(parameters.get("value", ""))


def _request(command: Command) -> None:
    key, value = _told(command.parameters)
    if check := _CHECKS.get(key.lower()):
        check(command.station, value)


def _complete(command: Command) -> dict[str, Any]:
    """It goes out: from here on the charger may use what it is told."""
    key, value = _told(command.parameters)
    if keep := _KEEPERS.get(key.lower()):
        keep(command, value)
    parameters: dict[str, Any] = command.parameters
    return parameters


def _end_setting(command: Command, outcome: Outcome) -> None:
    """Only a refusal is certain to leave the charger with what it had."""
    if command.status == CommandStatus.ACCEPTED:
        _adopt_unused_password(command)
    if command.status != CommandStatus.REJECTED:
        return
    PasswordChange.objects.filter(command=command).delete()
    told = {str(value["key"]).lower(): value["value"] for value in outcome.get("values", ())}
    if SECURITY_PROFILE in told:
        refused = Station.objects.filter(
            pk=command.station_id, next_security_profile=int(told[SECURITY_PROFILE])
        )
        refused.update(next_security_profile=None)


def _end(command: Command, outcome: Outcome) -> None:
    configuration.end_change(command, outcome)
    _end_setting(command, outcome)


CHANGE = Effects(requested=_request, completed=_complete, ended=_end)
RAW = Effects(requested=_request, completed=_complete, ended=_end_setting)


# --- The password ---------------------------------------------------------------------------------


def _check_password(station: Station, value: str) -> None:
    try:
        passwords.check_length(value)
    except InvalidInput as error:
        raise _invalid(error.detail) from error
    if PasswordChange.objects.filter(station=station).count() >= MOST_OPEN_CHANGES:
        text = _(
            "Of the last changes of its password the charger has used none. "
            "Wait until it connects, or give it a new password by hand."
        )
        raise Conflict(text, code="password_changes_open")


def _keep_password(command: Command, value: str) -> None:
    _check_password(command.station, value)
    PasswordChange.objects.create(
        station_id=command.station_id, command=command, password_hash=passwords.hash_password(value)
    )


def uses_new_password(station: Station, raw: bytes) -> bool:
    """Whether `raw` is a password that the charger was told; it is the station's from now on."""
    for change in PasswordChange.objects.filter(station=station):
        if passwords.check_password(change.password_hash, raw):
            _adopt_password(station, change)
            return True
    return False


def _adopt_unused_password(command: Command) -> None:
    """A charger that signs in without one will not show it before it changes its profile."""
    change = PasswordChange.objects.filter(command=command).select_related("station").first()
    if change is not None and change.station.security_profile not in PASSWORD_PROFILES:
        _adopt_password(change.station, change)


@transaction.atomic
def _adopt_password(station: Station, change: PasswordChange) -> None:
    lock_station(station.pk)
    # What was told before is over; what was told after may come yet.
    if PasswordChange.objects.filter(station=station, pk__lte=change.pk).delete()[0]:
        station.password_hash = change.password_hash
        station.save(update_fields=["password_hash", "updated_at"])
        audit.record(
            ACTOR,
            "station.password_used",
            station,
            reason=f"Follows {change.command_id}",
            changes={"password": "changed"},
        )


def forget_password_changes(station_ids: list[int]) -> None:
    """A person has given the password: nothing that was told before it counts."""
    PasswordChange.objects.filter(station_id__in=station_ids).delete()


# --- The security profile -------------------------------------------------------------------------


def _check_profile(station: Station, value: str) -> None:
    text = value.strip()
    if text not in {"0", "1", "2", "3"}:
        raise _invalid(_("The security profile is 0, 1, 2 or 3."))
    profile = int(text)
    if profile < station.security_profile:
        detail = _(
            "A charger's security profile can only be raised: it has %(present)d, not to be "
            "followed by %(wanted)d. Lower it at the charger itself and then in the station's form."
        )
        values = {"present": station.security_profile, "wanted": profile}
        raise Conflict(detail % values, code="security_profile_downgrade")
    if profile in PASSWORD_PROFILES and not station.password_hash:
        raise _invalid(_("Security profiles 1 and 2 need a password."))


def _keep_profile(command: Command, value: str) -> None:
    station = lock_station(command.station_id)
    _check_profile(station, value)
    profile = int(value)
    station.next_security_profile = profile if profile > station.security_profile else None
    station.save(update_fields=["next_security_profile", "updated_at"])


@transaction.atomic
def adopt_profile(station: Station, profile: int) -> None:
    """The charger has connected with the profile it was told to use: no lower one from now on."""
    locked = lock_station(station.pk)
    if locked.next_security_profile != profile:
        return
    before = locked.security_profile
    locked.security_profile, locked.next_security_profile = profile, None
    locked.save(update_fields=["security_profile", "next_security_profile", "updated_at"])
    audit.record(
        ACTOR,
        "station.security_profile_used",
        locked,
        changes={"security_profile": [before, profile]},
    )


_CHECKS: Final[dict[str, Callable[[Station, str], None]]] = {
    AUTHORIZATION_KEY: _check_password,
    SECURITY_PROFILE: _check_profile,
}
_KEEPERS: Final[dict[str, Callable[[Command, str], None]]] = {
    AUTHORIZATION_KEY: _keep_password,
    SECURITY_PROFILE: _keep_profile,
}


def _invalid(detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError("value", "invalid", detail)])
