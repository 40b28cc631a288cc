"""Starting and stopping from afar: a command in the outbox, and what its end means for the session.

Rows are locked in the order command, session: whoever settles a command holds it already.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from chargepoints.domain.states import CommandStatus
from chargepoints.models import Command, Connector
from chargepoints.services import commands
from chargepoints.services.effects import Effects, Outcome
from csms.common import clock
from csms.common.errors import Conflict
from transactions.domain.states import (
    OPEN_SESSION_STATES,
    SESSION_TRANSITIONS,
    NeverStarted,
    SessionState,
)
from transactions.locks import lock_session
from transactions.models import Session, SessionEvent
from transactions.selectors.availability import Offer
from transactions.services.driver_sessions import check_start, close

# A charger that has accepted a stop and goes on for longer may be asked again.
STOP_TAKES = timedelta(minutes=2)


_BEGINNING = OPEN_SESSION_STATES | {SessionState.STARTING}


# --- Starting -----------------------------------------------------------------------------------


def request_start(session: Session, driver: User) -> Session:
    """Ask the charger to begin a session that is PENDING; a repeated call changes nothing.

    `session` comes from a selector that scopes by the driver. Returns it as it is now, with its
    `start_command`. Raises `Conflict`: `session_expired`, `session_not_pending`, and what creating
    a session raises, as the place may have been taken meanwhile.
    """
    with transaction.atomic():
        locked = lock_session(session.pk)
        if locked.state in _BEGINNING and locked.start_command_id is not None:
            return _with_commands(locked)
        if locked.state != SessionState.PENDING:
            raise Conflict(_not_pending(locked), code="session_not_pending")
        now = clock.now()
        if locked.expires_at is None or locked.expires_at <= now:
            raise Conflict(
                _("You waited too long. Create the session again."), code="session_expired"
            )
        connector = Connector.objects.select_related("evse__station__site").get(
            pk=locked.connector_id
        )
        offer = Offer(locked.tariff_version, None)
        token = locked.id_token
        if token is None:
            raise LookupError(f"Session {locked.pk} has no token.")
        token.user = driver
        check_start(driver, token, connector, offer, now, besides=locked.pk)
        command = commands.request(
            connector.evse.station,
            "start_charging",
            {"evse_id": connector.evse.evse_id, "id_token": token.token},
            actor=driver,
            expires_in_seconds=settings.REMOTE_START_EXPIRY_SECONDS,
        )
        SESSION_TRANSITIONS.check(SessionState(locked.state), SessionState.STARTING)
        locked.state = SessionState.STARTING.value
        locked.start_command = command
        locked.expires_at = command.expires_at + timedelta(
            seconds=settings.STARTING_SESSION_EXPIRY_SECONDS
        )
        locked.save(update_fields=["state", "start_command", "expires_at"])
        _note(locked, "start_requested", {"command": str(command.pk)})
        return _with_commands(locked)


def _not_pending(session: Session) -> str:
    if session.state in OPEN_SESSION_STATES:
        return _("The session is running already.")
    return _("The session is over.")


def _with_commands(session: Session) -> Session:
    """The session with the commands that were asked for it."""
    for name in ("start_command", "stop_command"):
        key = getattr(session, f"{name}_id")
        if key is not None:
            setattr(session, name, Command.objects.get(pk=key))
    return session


def _note(session: Session, kind: str, detail: dict[str, Any]) -> None:
    SessionEvent.objects.create(session=session, at=clock.now(), kind=kind, detail=detail)


_WHY_NOT = {
    CommandStatus.REJECTED: (SessionState.FAILED, NeverStarted.START_REJECTED),
    CommandStatus.FAILED: (SessionState.FAILED, NeverStarted.START_FAILED),
    CommandStatus.EXPIRED: (SessionState.FAILED, NeverStarted.CHARGER_UNREACHABLE),
    # The outcome is unknown. A charger that begins all the same makes a session of its own, or
    # the one that the driver has asked for there since.
    CommandStatus.TIMED_OUT: (SessionState.FAILED, NeverStarted.NO_ANSWER),
    CommandStatus.CANCELLED: (SessionState.CANCELLED, NeverStarted.CANCELLED),
}


def _end_start(command: Command, _outcome: Outcome) -> None:
    """Apply the charger's answer to the session that waits for it, if one does."""
    found = Session.objects.filter(start_command=command).values_list("pk", flat=True).first()
    if found is None:
        return
    session = lock_session(found)
    if session.state != SessionState.STARTING:
        return  # the charger began, or it was closed: a late answer changes neither
    status = CommandStatus(command.status)
    if status is CommandStatus.ACCEPTED:
        _note(session, "start_accepted", {})
        return
    state, reason = _WHY_NOT[status]
    close(session, state, reason, clock.now())


START = Effects(ended=_end_start)


# --- Stopping -----------------------------------------------------------------------------------


def request_stop(session: Session, caller: User, reason: str = "") -> Session:
    """Ask the charger to end a session; one that has not begun is cancelled.

    `session` comes from a selector that scopes by the caller. A repeated call gives the command
    that is under way. Raises `Conflict`: `session_over`, `session_starting` while the charger is
    being asked to begin.
    """
    if session.state == SessionState.STARTING and session.start_command_id is not None:
        _take_start_back(session, caller, reason)
        session.refresh_from_db()
        if session.state not in OPEN_SESSION_STATES:
            return _with_commands(session)
    with transaction.atomic():
        locked = lock_session(session.pk)
        if locked.state == SessionState.PENDING:
            close(locked, SessionState.CANCELLED, NeverStarted.CANCELLED, clock.now())
            return _with_commands(locked)
        if _is_under_way(locked):
            return _with_commands(locked)
        if locked.state not in OPEN_SESSION_STATES:
            raise Conflict(_not_running(locked), code=_code_of(locked))
        command = commands.request(
            session.station,
            "stop_charging",
            {"transaction_id": locked.ocpp_transaction_id or locked.pk},
            actor=caller,
            reason=reason,
            expires_in_seconds=settings.COMMAND_EXPIRY_SECONDS,
        )
        locked.stop_command = command
        locked.save(update_fields=["stop_command"])
        _note(locked, "stop_requested", {"command": str(command.pk)})
        return _with_commands(locked)


def _take_start_back(session: Session, caller: User, reason: str) -> None:
    """Cancel a start that has not gone out. One that has cannot be taken back."""
    command_id = session.start_command_id
    if command_id is None or commands.cancel(command_id, actor=caller, reason=reason) is not None:
        return
    current = Session.objects.only("state").get(pk=session.pk)
    if current.state == SessionState.STARTING:
        raise Conflict(
            _("The charger is being asked to start. Stop the session once it runs."),
            code="session_starting",
        )


def _is_under_way(session: Session) -> bool:
    """Whether the latest stop is on its way, or has done its work."""
    command = session.stop_command
    if command is None:
        return False
    if session.state == SessionState.ENDED:
        return True
    if command.status in (CommandStatus.QUEUED, CommandStatus.SENT):
        return True
    answered_at = command.answered_at
    return (
        command.status == CommandStatus.ACCEPTED
        and answered_at is not None
        and clock.now() - answered_at < STOP_TAKES
    )


def _not_running(session: Session) -> str:
    if session.state == SessionState.STARTING:
        return _("The charger is being asked to start. Stop the session once it runs.")
    return _("The session is over.")


def _code_of(session: Session) -> str:
    return "session_starting" if session.state == SessionState.STARTING else "session_over"
