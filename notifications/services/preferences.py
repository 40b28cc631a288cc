"""What drivers want to be told."""

from collections.abc import Mapping

from django.db import transaction

from accounts.locks import lock_user
from accounts.models import User
from csms.common import clock
from notifications.domain.preferences import Topic, Way
from notifications.models import NotificationPreference
from notifications.selectors import preferences


@transaction.atomic
def change(user: User, wanted: Mapping[tuple[Topic, Way], bool]) -> dict[tuple[Topic, Way], bool]:
    """Store the named decisions; what is not named stays. Returns all of them."""
    lock_user(user.pk)
    now = clock.now()
    NotificationPreference.objects.bulk_create(
        [
            NotificationPreference(
                user=user, topic=topic.value, way=way.value, is_enabled=is_enabled, updated_at=now
            )
            for (topic, way), is_enabled in wanted.items()
        ],
        update_conflicts=True,
        unique_fields=["user", "topic", "way"],
        update_fields=["is_enabled", "updated_at"],
    )
    return preferences.of_driver(user)
