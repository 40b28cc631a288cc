"""Numbered pages for lists, a cursor for what only grows."""

from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination, PageNumberPagination
from rest_framework.request import Request


class PagePagination(PageNumberPagination):
    """`{count, next, previous, results}`."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    last_page_strings = ()

    def wanted_slice(self, request: Request) -> tuple[int, int]:
        """(offset, limit), for what cuts for itself; a wrong page counts as the first."""
        size = self.get_page_size(request) or self.page_size
        number = request.query_params.get(self.page_query_param, "1")
        is_number = number.isascii() and number.isdigit() and len(number) < 10
        return (max(int(number), 1) - 1) * size if is_number else 0, size


class LargePagePagination(PagePagination):
    """For gateways that read everything once."""

    page_size = 1000
    max_page_size = 5000


class NewestFirstCursor(CursorPagination):
    """`{next, previous, results}`, newest first; rows that arrive meanwhile shift nothing."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    ordering: str | tuple[str, ...] = "-id"
    invalid_cursor_message: Any = _("The cursor is not valid.")

    def decode_cursor(self, request: Request) -> Cursor | None:
        cursor: Cursor | None = super().decode_cursor(request)
        # The library hands the position to the database as it came.
        if (
            cursor is not None
            and cursor.position is not None
            and not self.is_position(cursor.position)
        ):
            raise NotFound(self.invalid_cursor_message)
        return cursor

    @staticmethod
    def is_position(text: Any) -> bool:
        return isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 19


class NewestFirstByTimeCursor(NewestFirstCursor):
    """For rows ordered by the moment `at`."""

    ordering = ("-at", "-id")

    @staticmethod
    def is_position(text: Any) -> bool:
        try:
            return isinstance(text, str) and parse_datetime(text) is not None
        except ValueError:
            return False
