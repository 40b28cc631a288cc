"""What drivers want to be told, and on which devices."""

from notifications.models.devices import PushDevice
from notifications.models.preferences import NotificationPreference

__all__ = ["NotificationPreference", "PushDevice"]
