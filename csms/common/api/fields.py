"""Fields that several forms share."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

MOST_BAHT = Decimal("1000000.00")


class LineField(serializers.CharField):
    """One line of text that people type: nothing that no screen shows, no line break."""

    default_error_messages = {"not_printable": _("Only printable characters, on one line.")}

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not text.isprintable():
            self.fail("not_printable")
        return str(text)


class AmountField(serializers.DecimalField):
    """Money that somebody pays, in baht: more than nothing, whole satang, no more than is sane."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_digits=9,
            decimal_places=2,
            min_value=Decimal("0.01"),
            max_value=MOST_BAHT,
            **kwargs,
        )

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        # The framework takes blank text for null, and so for "whatever it costs".
        if isinstance(data, str) and not data.strip():
            self.fail("invalid")
        checked: tuple[bool, Any] = super().validate_empty_values(data)
        return checked
