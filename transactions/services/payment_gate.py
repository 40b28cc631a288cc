"""The port by which payments decide whether a driver may begin.

Apps above this one know payment methods; they put their gate here. Until they do, charging is
allowed and billed after, unless the operator of this installation wants a payment method first.
"""

from collections.abc import Callable

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import User
from chargepoints.models import Connector
from csms.common.errors import Conflict
from transactions.selectors.availability import Offer


class PaymentMethodRequired(Conflict):
    code = "payment_method_required"
    title = "Add a payment method first"


# Called in the transaction that creates or starts a session: rows only, never a provider.
# Raises a `DomainError`, as a rule `PaymentMethodRequired`, to refuse.
PaymentGate = Callable[[User, Connector, Offer], None]


def without_payment_methods(_driver: User, _connector: Connector, offer: Offer) -> None:
    """The gate as long as nobody can have a payment method."""
    if settings.CHARGING_REQUIRES_PAYMENT_METHOD and offer.costs_money:
        raise PaymentMethodRequired(
            _("Charging here costs money, and no payment method can be added yet.")
        )


_gates: list[PaymentGate] = [without_payment_methods]


def install(gate: PaymentGate) -> None:
    """Let `gate` decide from now on."""
    _gates[:] = [gate]


def check(driver: User, connector: Connector, offer: Offer) -> None:
    for gate in _gates:
        gate(driver, connector, offer)
