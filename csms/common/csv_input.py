"""CSV files from people: every mistake is found, named by line and column, and told at once."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MAX_FILE_BYTES = 64 * 1024 * 1024
SHOWN_PROBLEMS = 100
_SHOWN_VALUE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """`line` as a text editor counts; `column` is the heading, empty for the line as a whole."""

    line: int
    column: str
    text: str

    def __str__(self) -> str:
        place = _("line %(line)d") % {"line": self.line}
        if self.column:
            place += _(", column %(column)s") % {"column": self.column}
        return f"{place}: {self.text}"


@dataclass(slots=True)
class Problems:
    """Counts every problem, keeps the first hundred."""

    shown: list[Problem] = field(default_factory=list)
    total: int = 0

    def add(self, line: int, column: str, text: str) -> None:
        self.total += 1
        if len(self.shown) < SHOWN_PROBLEMS:
            self.shown.append(Problem(line, column, text))

    def __bool__(self) -> bool:
        return self.total > 0

    def report(self) -> str:
        """All that is wrong, in the order of the lines, as text for the person with the file."""
        lines = [str(problem) for problem in sorted(self.shown, key=lambda p: p.line)]
        more = self.total - len(self.shown)
        if more:
            lines.append(
                ngettext("… and %(more)d more problem.", "… and %(more)d more problems.", more)
                % {"more": more}
            )
        lines.append(_("Nothing of the file was applied. Correct it and run the same again."))
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Row:
    """One line's cells by heading, without surrounding blanks; a column that is absent is empty."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


class NotReadable(Exception):
    """The file as a whole cannot be read; the text says why and what to do."""


def read_rows(
    data: bytes, *, columns: Sequence[str], required: Sequence[str], problems: Problems
) -> list[Row]:
    """The rows of a UTF-8 file with a heading; what is wrong goes to `problems`.

    Comma or semicolon, with or without a byte order mark; empty lines are skipped. Raises
    `NotReadable` where no row can be trusted.
    """
    text = _decoded(data)
    records = _records(text, problems)
    try:
        _line, heading = next(records)
    except StopIteration:
        raise NotReadable(
            _("The file is empty. Its first line names the columns: %(columns)s")
            % {"columns": ",".join(columns)}
        ) from None
    names = _checked_heading(heading, columns, required)
    rows = []
    for line, cells in records:
        if len(cells) != len(names):
            problems.add(
                line,
                "",
                _("%(found)d cells where the heading has %(expected)d; check commas and quotes.")
                % {"found": len(cells), "expected": len(names)},
            )
            continue
        rows.append(Row(line, {n: c.strip() for n, c in zip(names, cells, strict=True)}))
    return rows


def shown(value: str) -> str:
    """A cell as it may appear in a message: cut, and without control characters."""
    visible = "".join(c if c.isprintable() else "�" for c in value[:_SHOWN_VALUE_LENGTH])
    return f"“{visible}{'…' if len(value) > _SHOWN_VALUE_LENGTH else ''}”"


def _decoded(data: bytes) -> str:
    if len(data) > MAX_FILE_BYTES:
        megabytes = MAX_FILE_BYTES // 1024 // 1024
        raise NotReadable(_("The file is larger than %(size)d MB; split it.") % {"size": megabytes})
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotReadable(
            _("line %(line)d is not UTF-8. In a spreadsheet, save as “CSV UTF-8”.") % {"line": line}
        ) from error


def _records(text: str, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Each record that is not empty, with the line on which it begins."""
    heading = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = ";" if ";" in heading and "," not in heading else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # After a broken quote nothing that follows can be trusted.
            problems.add(
                line,
                "",
                _("cannot be read (%(error)s); check its quotes.") % {"error": error},
            )
            return
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1


def _checked_heading(
    heading: Sequence[str], columns: Sequence[str], required: Sequence[str]
) -> list[str]:
    names = [name.strip().lower() for name in heading]
    unknown = [name for name in names if name not in columns]
    if unknown:
        raise NotReadable(
            _("line 1: unknown column %(name)s. The columns are: %(columns)s")
            % {"name": shown(unknown[0]), "columns": ",".join(columns)}
        )
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise NotReadable(_("line 1: the column %(name)s stands twice.") % {"name": twice[0]})
    missing = [name for name in required if name not in names]
    if missing:
        raise NotReadable(
            _("line 1: the column %(name)s is missing. The columns are: %(columns)s")
            % {"name": missing[0], "columns": ",".join(columns)}
        )
    return names
