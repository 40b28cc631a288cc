"""Tables as CSV for spreadsheets, with nothing in a cell that a spreadsheet would run."""

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rest_framework.renderers import BaseRenderer

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"'{text}" if text.startswith(FORMULA_STARTS) and not is_number else text


class CsvRenderer(BaseRenderer):
    """A list of flat objects; the first one's keys are the columns."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out)
        rows = data or []
        if rows:
            writer.writerow(rows[0])
        for row in rows:
            writer.writerow([cell(value) for value in row.values()])
        if not rows:
            # The framework takes an empty body for an answer without one, and its type away.
            writer.writerow([])
        return out.getvalue().encode()
