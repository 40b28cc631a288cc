"""What the console calls states, kinds and reasons whose codes the API and the logs show."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NAMES: dict[str, str | Promise] = {
    "ACCEPTED": _("Accepted"),
    "ACTIVE": _("Active"),
    "BLOCKED": _("Blocked"),
    "CANCELLED": _("Cancelled"),
    "CLEARED": _("Cleared"),
    "DONE": _("Done"),
    "ENDED": _("Ended"),
    "EXPIRED": _("Expired"),
    "FAILED": _("Failed"),
    "GIVEN": _("Given"),
    "INFLIGHT": _("Being made"),
    "INSTALLED": _("Installed"),
    "INTERRUPTED": _("Interrupted"),
    "PENDING": _("Pending"),
    "QUEUED": _("Queued"),
    "READY": _("Ready"),
    "REFUSED": _("Refused"),
    "REJECTED": _("Rejected"),
    "REPLACED": _("Replaced"),
    "REQUESTED": _("Requested"),
    "REUSED": _("Key used twice"),
    "REVOKED": _("Revoked"),
    "RUNNING": _("Running"),
    "SENT": _("Sent"),
    "SIGNED": _("Signed"),
    "SIGNED_OUT": _("Signed out"),
    "STARTING": _("Starting"),
    "SUPERSEDED": _("Superseded"),
    "TIMED_OUT": _("No answer"),
    "TOO_MANY": _("Too many devices"),
    "USED": _("Used"),
    "WITHDRAWN": _("Withdrawn"),
    # Consents
    "ANALYTICS": _("Analytics"),
    "APP": _("App"),
    "DELETION": _("Closing of the account"),
    "LOCATION": _("Location"),
    "MARKETING": _("Marketing"),
    "PRIVACY": _("Privacy notice"),
    "STAFF": _("Staff"),
    "TERMS": _("Terms of use"),
    "WEB": _("Web"),
    # Codes and messages
    "ACCOUNT_EXISTS": _("Account exists already"),
    "CHANGE_CONTACT": _("Change of address"),
    "CLOSE_ACCOUNT": _("Closing of the account"),
    "CODE": _("Code"),
    "CONTACT_CHANGED": _("Address changed"),
    "EMAIL": _("E-mail"),
    "NOTHING": _("Nothing"),
    "PASSWORD_CHANGED": _("Password changed"),
    "REGISTER": _("Registration"),
    "RESET_PASSWORD": _("Reset of the password"),
    "SET_UP_LINK": _("Set-up link"),
    "SIGN_IN_LINKED": _("Way to sign in linked"),
    "SIGN_IN_REUSED": _("Key used twice"),
    "SIGN_IN_UNLINKED": _("Way to sign in removed"),
    "SMS": _("SMS"),
    # Roles
    "DRIVER": _("Driver"),
    "SUPERADMIN": _("Administrator (SUPERADMIN)"),
    # Jobs of chargers
    "FIRMWARE": _("Firmware"),
    "LOG": _("Log"),
}


def choices(codes: type[str]) -> list[tuple[str, str | Promise]]:
    """The choices of a field from an enumeration, under their names."""
    return [(str(code), NAMES[str(code)]) for code in codes]  # type: ignore[attr-defined]


def labelled(code: str) -> tuple[str, str]:
    """For a coloured column: the code that picks the colour, and its name."""
    return code, str(NAMES[code])


def colours(known: dict[str, str]) -> dict[str, str]:
    """Those of a column: what has none is grey, since the shell would show its bare code."""
    return {**dict.fromkeys(NAMES, ""), **known}
