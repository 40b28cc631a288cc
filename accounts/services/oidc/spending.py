"""Each of a provider's tokens signs in once."""

from datetime import datetime

from accounts.models import SpentAssertion
from accounts.services.oidc.assertions import Assertion, AssertionRefused


def spend(assertion: Assertion) -> None:
    """Part of the caller's transaction; `AssertionRefused` if it was used before."""
    _row, is_new = SpentAssertion.objects.get_or_create(
        digest=assertion.digest, defaults={"expires_at": assertion.expires_at}
    )
    if not is_new:
        raise AssertionRefused("replayed")


def purge(at: datetime) -> int:
    """Forget tokens that have expired: nobody takes them any more."""
    deleted, _per_model = SpentAssertion.objects.filter(expires_at__lt=at).delete()
    return deleted
