from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from notifications.domain.preferences import Topic, Way


class NotificationPreference(models.Model):
    """What a driver decided about one topic and one way; what there is no row of is the default."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("driver")
    )
    topic = models.CharField(
        _("topic"), max_length=20, choices=[(one.value, one.value) for one in Topic]
    )
    way = models.CharField(_("way"), max_length=10, choices=[(one.value, one.value) for one in Way])
    is_enabled = models.BooleanField(_("wanted"))
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("notification preference")
        verbose_name_plural = _("notification preferences")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "topic", "way"], name="preference_once_per_topic_and_way"
            ),
            models.CheckConstraint(
                condition=Q(topic__in=[one.value for one in Topic]), name="preference_topic_known"
            ),
            models.CheckConstraint(
                condition=Q(way__in=[one.value for one in Way]), name="preference_way_known"
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.user_id} {self.topic} {self.way}"
