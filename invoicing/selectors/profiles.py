from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import User
from accounts.selectors.scope import Caller, within_scope
from csms.common.errors import NotFound
from invoicing.models import TaxInvoiceProfile
from transactions.models import Session

VIEW = "invoicing.view_taxinvoiceprofile"


def own(driver: User) -> QuerySet[TaxInvoiceProfile]:
    return TaxInvoiceProfile.objects.filter(driver=driver)


def find_own(driver: User, profile_id: UUID) -> TaxInvoiceProfile:
    """`NotFound` also where it is somebody else's."""
    found = own(driver).filter(pk=profile_id).first()
    if found is None:
        raise NotFound
    return found


def of_user(caller: Caller, user_id: int) -> QuerySet[TaxInvoiceProfile]:
    """A user's profiles, if the caller is that driver, or staff whose customer it is.

    `NotFound` otherwise, so that nobody learns which users exist.
    """
    if not isinstance(caller, User) or not caller.is_active:
        raise NotFound
    if caller.pk != user_id and not _is_customer_of(caller, user_id):
        raise NotFound
    return TaxInvoiceProfile.objects.filter(driver=user_id)


def _is_customer_of(staff: User, user_id: int) -> bool:
    """Whether the driver has ever charged at a station of the operators that `staff` works for."""
    if not (staff.is_staff and staff.has_perm(VIEW)):
        return False
    users = User.objects.filter(pk=user_id)
    if staff.is_superuser:
        return users.exists()
    sessions = Session.objects.filter(
        within_scope(staff, "station__site__operator"), driver=OuterRef("pk")
    )
    return users.filter(Exists(sessions)).exists()
