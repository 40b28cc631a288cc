"""Years of readings in the table, made by PostgreSQL itself, and what its planner makes of them."""

from datetime import timedelta

from csms.common.clock import now
from csms.common.partitions import create_partitions, month_starts

# Up to the moment of the run, so that also the month that is written to is full.
MONTHS = 13
ROWS_A_STATEMENT = 1_000_000
SAMPLES_A_SESSION = 60
_INSERT = """
INSERT INTO transactions_reading (id, received_at, measured_at, station_id, connector_id,
    session_id, energy_wh, power_w, soc_percent, current_a, voltage_v, context, extra)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid,
    at, at, %(stations)s[1 + n %% %(count)s], NULL, -1 - n / %(samples)s,
    n %% 4000000, 7000 + n %% 50000, n %% 101, n %% 4000 / 10.0, NULL, 'Sample.Periodic', NULL
FROM (SELECT n, %(first)s::timestamptz + n * %(step)s::interval AS at
      FROM generate_series(%(from)s::bigint, %(to)s::bigint - 1) AS n) AS moments
"""


def fill(rows: int) -> None:
    """Write `rows` readings of the last year, of sessions that are no more, in order of time."""
    from django.db import connection, transaction

    from chargepoints.models import Station

    if connection.vendor != "postgresql":
        raise SystemExit("A history is made for PostgreSQL only.")
    last = now()
    first = last - timedelta(days=365)
    create_partitions(
        connection, "transactions_reading", month_starts(first.date(), 1)[0], count=MONTHS
    )
    stations = list(Station.objects.values_list("pk", flat=True)[:1_000])
    for start in range(0, rows, ROWS_A_STATEMENT):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                _INSERT,
                {
                    "stations": stations,
                    "count": len(stations),
                    "samples": SAMPLES_A_SESSION,
                    "first": first,
                    "step": f"{(last - first).total_seconds() / rows} seconds",
                    "from": start,
                    "to": min(rows, start + ROWS_A_STATEMENT),
                },
            )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE transactions_reading")
        cursor.execute("CHECKPOINT")


def size() -> str:
    """How large the table and its indexes are, in how many partitions."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), pg_size_pretty(sum(pg_total_relation_size(inhrelid))),"
            " (SELECT count(*) FROM transactions_reading)"
            " FROM pg_inherits WHERE inhparent = 'transactions_reading'::regclass"
        )
        partitions, pretty, rows = cursor.fetchone()
    return f"{rows:,} readings in {partitions} partitions, {pretty} with indexes"


def plan_of_a_stop() -> str:
    """How PostgreSQL reads the readings of one session: EXPLAIN (ANALYZE) of that statement."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from transactions.models import Session
    from transactions.selectors.readings import registers_of

    session = Session.objects.filter(readings__isnull=False).order_by("-pk")[:1].get()
    with CaptureQueriesContext(connection) as captured:
        registers_of(session)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, COSTS OFF) {captured[0]['sql']}")
        return "\n".join(line for (line,) in cursor.fetchall())
