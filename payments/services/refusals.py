"""What is asked of payments before there are any: understood, checked, and refused."""

from decimal import Decimal
from typing import NoReturn
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from csms.common.errors import Conflict, DomainError
from payments.selectors.payment_methods import find as find_card
from transactions.domain.states import SessionState
from transactions.selectors import sessions


class PaymentsNotAvailable(Conflict):
    code = "payments_not_available"
    title = "Payments are not taken here yet"


class WebhookNotConfigured(DomainError):
    """The provider is to come again: nothing was stored."""

    code = "webhook_not_configured"
    status = 503
    title = "No payment provider is set up"


def refuse() -> NoReturn:
    """Raise `PaymentsNotAvailable`: nothing was charged, nothing was stored."""
    raise PaymentsNotAvailable(_("Payments are not taken here yet. Nothing was charged."))


def refuse_payment(
    driver: User, session_id: UUID, *, amount: Decimal | None, card_id: UUID | None
) -> NoReturn:
    """Check what would be checked before a payment, then refuse it.

    `NotFound` for a session or card that is not the driver's; `Conflict` for one that is not
    priced yet, or for another amount than its price: that is the server's alone.
    """
    session = sessions.find(driver, session_id)
    if card_id is not None:
        find_card(driver, card_id)
    is_priced = session.priced_at is not None and not session.is_held
    if session.state != SessionState.ENDED or not is_priced:
        raise Conflict(_("The session has no final price yet."), code="session_not_priced")
    if amount is not None and amount != session.total_gross:
        raise Conflict(_("This is not the price of the session."), code="amount_differs")
    refuse()
