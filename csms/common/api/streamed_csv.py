"""A table as CSV that is sent while it is read, however long it is."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from rest_framework.request import Request

from csms.common.api.csv import CsvRenderer, cell
from csms.common.api.json import OrjsonRenderer

# For `renderer_classes` of a view that offers both.
CsvChoice = (OrjsonRenderer, CsvRenderer)
# Without it a spreadsheet takes Thai for Latin letters.
BYTE_ORDER_MARK = "\ufeff"
_ROWS_AT_ONCE = 100


def is_csv_wanted(request: Request) -> bool:
    return isinstance(request.accepted_renderer, CsvRenderer)


class StreamedCsv(StreamingHttpResponse):
    """Reads its rows in a thread, some at a time, also where the server is asynchronous."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks: Iterator[bytes] = iter(cast("Iterator[bytes]", self.streaming_content))

        def following() -> bytes | None:
            return next(chunks, None)

        while (chunk := await sync_to_async(following)()) is not None:
            yield chunk


def streamed_csv(name: str, columns: Sequence[Any], rows: Iterable[Sequence[Any]]) -> StreamedCsv:
    """`rows` under the heading `columns`, as the file `name`; no cell is run as a formula."""
    response = StreamedCsv(_chunks(columns, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _chunks(columns: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out)
    writer.writerow([cell(str(name)) for name in columns])
    for number, row in enumerate(rows, start=1):
        writer.writerow([cell(value) for value in row])
        if number % _ROWS_AT_ONCE == 0:
            yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.encode()
