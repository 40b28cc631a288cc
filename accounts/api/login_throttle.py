"""How often somebody may try to sign in: few times for one account, many from one network.

Thai mobile carriers put thousands of subscribers behind one address, so a limit by address alone
would shut out whoever comes sixth. Guessing is bounded by the rows besides: five failures lock the
account, `LOGIN_FAILURES_PER_ADDRESS` the network.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rest_framework.request import Request

from accounts.domain.contacts import Channel, Contact, email_address, thai_mobile
from accounts.models.verifications import contact_digest
from csms.common.api.addresses import address_group, client_address
from csms.common.api.throttling import AddressThrottle, WindowThrottle

if TYPE_CHECKING:
    from rest_framework.views import APIView


class LoginAddressThrottle(AddressThrottle):
    """Whatever is tried from one network, also where no account is named."""

    scope = "login_address"


class LoginThrottle(WindowThrottle):
    """One account from one network; before that, the network as a whole."""

    scope = "login"

    def allow_request(self, request: Request, view: "APIView") -> bool:
        # First, so that a body is read for those only who may try at all.
        network = LoginAddressThrottle()
        if not network.allow_request(request, view):
            self._wait = network.wait()
            return False
        return super().allow_request(request, view)

    def identify(self, request: Request) -> tuple[str, str] | None:
        account = _account_of(request)
        if account is None:
            return None
        return self.scope, f"{address_group(client_address(request._request))}:{account}"


def _account_of(request: Request) -> str | None:
    """Who signs in, or whom the body says; an address or number in whatever spelling is the same.

    None where nobody is named: a provider's token, and a body that will be refused.
    """
    if request.user is not None and request.user.is_authenticated:
        return str(request.user.pk)
    given = request.data if isinstance(request.data, Mapping) else {}
    email, phone = given.get("email"), given.get("phone")
    if isinstance(email, str):
        return contact_digest(Contact(Channel.EMAIL, email_address(email)))
    number = thai_mobile(phone) if isinstance(phone, str) else None
    return None if number is None else contact_digest(Contact(Channel.SMS, number))
