"""Figures of scenarios, their medians over several runs, and the table that is printed."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from statistics import median
from typing import Self

from benchmarks.load import Measured

HEADER = (
    "scenario",
    "answered/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "server µs",
    "PostgreSQL µs",
    "client µs",
    "others' CPU",
    "refused",
    "verified",
    "",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. Latencies in ms, CPU in µs per answered message (or session).

    `others_percent`: how busy the machine was with something else, which slows all of it down.
    """

    scenario: str
    per_second: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    server_cpu: float | None = None
    database_cpu: float | None = None
    client_cpu: float | None = None
    others_percent: float | None = None
    refused: int = 0
    verified: int = 0
    kilobytes_per_connection: float | None = None
    idle_cpu_percent: float | None = None

    @classmethod
    def of(cls, scenario: str, measured: Measured, verified: int) -> Self:
        usage = measured.usage
        count = len(measured.latencies)
        if usage is None or not count:
            raise RuntimeError(f"{scenario}: nothing was answered in the measured window")
        latencies = sorted(measured.latencies)

        def each(seconds: float | None) -> float | None:
            return None if seconds is None else seconds / count * 1e6

        return cls(
            scenario,
            count / usage.seconds,
            percentile(latencies, 50) * 1e3,
            percentile(latencies, 95) * 1e3,
            percentile(latencies, 99) * 1e3,
            each(usage.server),
            each(usage.database),
            each(usage.client),
            usage.others_percent,
            measured.refused,
            verified,
        )

    def cells(self) -> list[str]:
        further = []
        if self.kilobytes_per_connection is not None:
            further.append(f"{self.kilobytes_per_connection:.1f} KB a connection")
        if self.idle_cpu_percent is not None:
            further.append(f"{self.idle_cpu_percent:.1f} % of a core while idle")
        return [
            self.scenario,
            _figure(self.per_second, 0),
            _figure(self.p50, 1),
            _figure(self.p95, 1),
            _figure(self.p99, 1),
            _figure(self.server_cpu, 0),
            _figure(self.database_cpu, 0),
            _figure(self.client_cpu, 0),
            _figure(self.others_percent, 0, " %"),
            str(self.refused),
            f"{self.verified:,}" if self.verified else "",
            ", ".join(further),
        ]


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of `ordered` (ascending) do not exceed."""
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def medians(runs: Sequence[Sequence[Row]]) -> list[Row]:
    """Of several runs of the same scenarios, each figure's median; refusals are added up."""
    return [_median_row(rows) for rows in zip(*runs, strict=True)]


def _median_row(rows: Sequence[Row]) -> Row:
    figures = {}
    for field in fields(Row):
        values = [getattr(row, field.name) for row in rows]
        if field.name in {"refused", "verified"}:
            figures[field.name] = sum(values)
        elif field.name != "scenario":
            known = [value for value in values if value is not None]
            figures[field.name] = median(known) if known else None
    return replace(rows[0], **figures)


def table(rows: Sequence[Row]) -> str:
    """A Markdown table, padded so that it reads in a terminal too."""
    lines = [list(HEADER), *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]

    def text(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if column in {0, len(HEADER) - 1} else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * width if column in {0, len(HEADER) - 1} else "-" * (width - 1) + ":"
        for column, width in enumerate(widths)
    ]
    return "\n".join([text(lines[0]), text(rule), *(text(line) for line in lines[1:])])


def _figure(value: float | None, decimals: int, unit: str = "") -> str:
    return "" if value is None else f"{value:,.{decimals}f}{unit}"
