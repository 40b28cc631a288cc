"""Numbered pages for lists, a cursor for what only grows."""

from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination, PageNumberPagination
from rest_framework.request import Request


class CheckedPageSize:
    """A `page_size` that is no number is a 400; one beyond `max_page_size` means that."""

    page_size: int | None
    max_page_size: int | None
    page_size_query_param: str | None

    def get_page_size(self, request: Request) -> int | None:
        asked = request.query_params.get(self.page_size_query_param or "")
        if asked is None:
            return self.page_size
        if not _is_count(asked):
            raise ValidationError(
                {str(self.page_size_query_param): [_("A valid number is needed.")]}
            )
        return min(int(asked), self.max_page_size or int(asked))


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0


class PagePagination(CheckedPageSize, PageNumberPagination):
    """`{count, next, previous, results}`."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200
    last_page_strings = ()

    def wanted_slice(self, request: Request) -> tuple[int, int]:
        """(offset, limit), for what cuts for itself; a wrong page counts as the first."""
        size = self.get_page_size(request) or self.page_size
        number = request.query_params.get(self.page_query_param, "1")
        return (int(number) - 1) * size if _is_count(number) else 0, size

    def get_page_number(self, request: Request, paginator: Any) -> Any:
        number = request.query_params.get(self.page_query_param, "1")
        if not _is_count(number):
            raise NotFound(_("There is no such page."))
        return number


class LargePagePagination(PagePagination):
    """For gateways that read everything once."""

    page_size = 1000
    max_page_size = 5000


class NewestFirstCursor(CheckedPageSize, CursorPagination):
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
