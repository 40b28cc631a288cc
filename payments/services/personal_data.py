"""What `payments` holds about a person; see `csms.common.personal_data`."""

from datetime import datetime

from accounts.models import User
from csms.common.personal_data import (
    Erasure,
    Export,
    PersonalData,
    RetentionRule,
    delete_batch,
    rows_of,
)
from payments.models import PaymentMethod


def _forget_cards(user: User, at: datetime) -> int:
    return PaymentMethod.objects.filter(driver=user).delete()[0]


def _delete_removed_cards(limit: datetime, batch: int) -> int:
    return delete_batch(PaymentMethod.objects.filter(removed_at__lt=limit), batch)


PERSONAL_DATA = PersonalData(
    exports=(
        Export(
            "payment_methods",
            "บัตรที่ใช้ชำระเงิน",
            "Cards that you pay with",
            ("payments.PaymentMethod",),
            rows_of(
                PaymentMethod,
                "driver",
                "provider",
                "provider_reference",
                "brand",
                "last_digits",
                "expiry_month",
                "expiry_year",
                "is_default",
                "created_at",
                "removed_at",
            ),
        ),
    ),
    erasures=(Erasure("payment_methods", _forget_cards),),
    retention=(
        RetentionRule(
            "payment_methods",
            "PAYMENT_METHOD_RETENTION_DAYS",
            "PDPA s.37 (3)",
            _delete_removed_cards,
        ),
    ),
)
