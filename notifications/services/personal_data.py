"""What `notifications` holds about a person; see `csms.common.personal_data`."""

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
from notifications.models import NotificationPreference, PushDevice


def _forget_preferences(user: User, at: datetime) -> int:
    return NotificationPreference.objects.filter(user=user).delete()[0]


def _forget_devices(user: User, at: datetime) -> int:
    return PushDevice.objects.filter(user=user).delete()[0]


def _delete_silent_devices(limit: datetime, batch: int) -> int:
    return delete_batch(PushDevice.objects.filter(last_registered_at__lt=limit), batch)


PERSONAL_DATA = PersonalData(
    exports=(
        Export(
            "notification_preferences",
            "สิ่งที่ท่านต้องการให้แจ้งเตือน",
            "What you want to be told",
            ("notifications.NotificationPreference",),
            rows_of(NotificationPreference, "user", "topic", "way", "is_enabled", "updated_at"),
        ),
        Export(
            "push_devices",
            "อุปกรณ์ที่รับการแจ้งเตือน",
            "Devices that receive pushes",
            ("notifications.PushDevice",),
            rows_of(
                PushDevice,
                "user",
                "platform",
                "name",
                "token",
                "app_version",
                "created_at",
                "last_registered_at",
            ),
        ),
    ),
    erasures=(
        Erasure("notification_preferences", _forget_preferences),
        Erasure("push_devices", _forget_devices),
    ),
    retention=(
        RetentionRule(
            "push_devices",
            "PUSH_DEVICE_RETENTION_DAYS",
            "PDPA s.37 (3)",
            _delete_silent_devices,
        ),
    ),
)
