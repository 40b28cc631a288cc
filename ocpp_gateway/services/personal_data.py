"""What the gateway holds about a person; see `csms.common.personal_data`."""

from datetime import datetime, timedelta

from django.conf import settings

from csms.common.personal_data import Kept, PersonalData


def _kept_messages(user_id: int, at: datetime) -> Kept:
    return Kept(
        "charger_messages",
        None,
        "PDPA s.24 (5), s.33 para. 2 (legal claims)",
        "ข้อความจากเครื่องชาร์จอาจมีหมายเลขบัตรที่ใช้ชาร์จ ไม่ได้แยกเก็บตามบุคคล",
        "Messages of chargers may hold the numbers of cards; they are not kept by person.",
        (at + timedelta(days=settings.OCPP_MESSAGE_RETENTION_DAYS)).date(),
    )


PERSONAL_DATA = PersonalData(kept=(_kept_messages,))
