"""Query parameters that several lists share."""

from typing import Any

from rest_framework import serializers


def page_size_field() -> serializers.IntegerField:
    return serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=10**9 - 1,
        help_text="Rows a page; more than we give: as many as we give.",
    )


class PageQuerySerializer(serializers.Serializer[Any]):
    """The paginator reads these itself; they stand here for the schema."""

    page = serializers.IntegerField(
        required=False, min_value=1, max_value=10**9 - 1, help_text="From 1."
    )
    page_size = page_size_field()

    def to_internal_value(self, data: Any) -> Any:
        given = {name: value for name, value in data.items() if name not in PAGE_PARAMETERS}
        return super().to_internal_value(given)


PAGE_PARAMETERS = ("page", "page_size", "cursor")


class CursorQuerySerializer(serializers.Serializer[Any]):
    cursor = serializers.CharField(required=False, help_text="From `next` or `previous`.")
    page_size = page_size_field()

    def to_internal_value(self, data: Any) -> Any:
        given = {name: value for name, value in data.items() if name not in PAGE_PARAMETERS}
        return super().to_internal_value(given)
