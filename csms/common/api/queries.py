"""Query parameters that several lists share."""

from typing import Any

from rest_framework import serializers


class PageQuerySerializer(serializers.Serializer[Any]):
    """The paginator reads these itself; they stand here for the schema."""

    page = serializers.IntegerField(required=False, help_text="From 1.")
    page_size = serializers.IntegerField(required=False, help_text="Rows a page.")

    def to_internal_value(self, data: Any) -> Any:
        given = {name: value for name, value in data.items() if name not in PAGE_PARAMETERS}
        return super().to_internal_value(given)


PAGE_PARAMETERS = ("page", "page_size", "cursor")


class CursorQuerySerializer(serializers.Serializer[Any]):
    cursor = serializers.CharField(required=False, help_text="From `next` or `previous`.")
    page_size = serializers.IntegerField(required=False, help_text="Rows a page.")

    def to_internal_value(self, data: Any) -> Any:
        given = {name: value for name, value in data.items() if name not in PAGE_PARAMETERS}
        return super().to_internal_value(given)
