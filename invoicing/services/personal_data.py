"""What `invoicing` holds about a person; see `csms.common.personal_data`."""

from datetime import datetime

from accounts.models import User
from csms.common.personal_data import Erasure, Export, PersonalData, rows_of
from invoicing.models import TaxInvoiceProfile


def _forget_profiles(user: User, at: datetime) -> int:
    """Documents hold copies of what they print: no profile is needed to read one."""
    return TaxInvoiceProfile.objects.filter(driver=user).delete()[0]


PERSONAL_DATA = PersonalData(
    exports=(
        Export(
            "tax_invoice_profiles",
            "ข้อมูลสำหรับออกใบกำกับภาษี",
            "To whom your tax invoices are made out",
            ("invoicing.TaxInvoiceProfile",),
            rows_of(
                TaxInvoiceProfile,
                "driver",
                "party",
                "tax_id",
                "branch",
                "name",
                "address",
                "sub_district",
                "district",
                "province",
                "postal_code",
                "email",
                "is_default",
                "created_at",
                "updated_at",
            ),
        ),
    ),
    erasures=(Erasure("tax_invoice_profiles", _forget_profiles),),
)
