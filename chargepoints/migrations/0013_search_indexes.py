"""Indexes for the words of a search, on PostgreSQL: at 50,000 stations each search read them all."""

from django.core.management.base import CommandError
from django.db import DatabaseError, migrations

# What `chargepoints.selectors.stations` compares, letter by letter.
_INDEXES = {
    "chargepoints_station_name_text": ("chargepoints_station", "upper(name::text)"),
    "chargepoints_station_identity_text": ("chargepoints_station", "upper(identity::text)"),
    "chargepoints_site_text": (
        "chargepoints_site",
        "upper((name || ' ' || name_th || ' ' || address || ' ' || district || ' ' || province)::text)",
    ),
}


def create(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        raise CommandError(
            f"The search of stations needs PostgreSQL's extension pg_trgm: {error}\n"
            "Nothing was changed. Have the database's owner, or a superuser, run in this database:\n"
            "    CREATE EXTENSION pg_trgm;\n"
            "and migrate again. It comes with PostgreSQL (some systems: package postgresql-contrib)."
        ) from error
    for name, (table, text) in _INDEXES.items():
        schema_editor.execute(
            f"CREATE INDEX {name} ON {table} USING gin (({text}) gin_trgm_ops)", params=None
        )


def drop(apps, schema_editor):
    """The extension stays: others may use it."""
    if schema_editor.connection.vendor == "postgresql":
        for name in _INDEXES:
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}", params=None)


class Migration(migrations.Migration):
    dependencies = [("chargepoints", "0012_station_credentials_changed_at")]

    operations = [migrations.RunPython(create, drop)]
