from accounts.models import User
from notifications.domain.preferences import DEFAULTS, Topic, Way
from notifications.models import NotificationPreference


def of_driver(user: User) -> dict[tuple[Topic, Way], bool]:
    """Every topic and way, decided by the driver or by default."""
    decided = {
        (Topic(row.topic), Way(row.way)): row.is_enabled
        for row in NotificationPreference.objects.filter(user=user)
    }
    return {**DEFAULTS, **decided}


def wants(user: User, topic: Topic, way: Way) -> bool:
    row = NotificationPreference.objects.filter(user=user, topic=topic, way=way).first()
    return DEFAULTS[(topic, way)] if row is None else row.is_enabled
