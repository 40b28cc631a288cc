"""What drivers can be told of, by which way, and what holds until they say otherwise."""

from enum import StrEnum
from typing import Final


class Topic(StrEnum):
    CHARGING = "CHARGING"
    RESERVATION = "RESERVATION"
    PAYMENT = "PAYMENT"
    DOCUMENT = "DOCUMENT"
    PROMOTION = "PROMOTION"


class Way(StrEnum):
    PUSH = "PUSH"
    EMAIL = "EMAIL"
    SMS = "SMS"
    LINE = "LINE"


# Everything about one's own charging and money by push, papers by e-mail; nothing that costs (SMS)
# and no promotion unasked.
DEFAULTS: Final[dict[tuple[Topic, Way], bool]] = {
    (topic, way): (
        (way is Way.PUSH and topic not in (Topic.DOCUMENT, Topic.PROMOTION))
        or (way is Way.EMAIL and topic in (Topic.PAYMENT, Topic.DOCUMENT))
    )
    for topic in Topic
    for way in Way
}
