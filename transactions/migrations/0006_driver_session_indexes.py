from django.db import migrations, models

from csms.common.concurrent_indexes import AddIndexConcurrently, AddPartialUniqueConcurrently


class Migration(migrations.Migration):
    """Apart from the columns: sessions are written while these are built, without a transaction."""

    atomic = False

    dependencies = [
        ("transactions", "0005_driver_sessions"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="session",
            index=models.Index(
                condition=models.Q(("state__in", ["PENDING", "STARTING"])),
                fields=["expires_at"],
                name="session_to_expire",
            ),
        ),
        AddPartialUniqueConcurrently(
            model_name="session",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["PENDING", "STARTING"])),
                fields=("connector",),
                name="session_one_awaited_per_connector",
            ),
        ),
        AddPartialUniqueConcurrently(
            model_name="session",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["PENDING", "STARTING"])),
                fields=("driver",),
                name="session_one_awaited_per_driver",
            ),
        ),
        AddPartialUniqueConcurrently(
            model_name="session",
            constraint=models.UniqueConstraint(
                condition=models.Q(("start_command__isnull", False)),
                fields=("start_command",),
                name="session_once_per_start_command",
            ),
        ),
        AddPartialUniqueConcurrently(
            model_name="session",
            constraint=models.UniqueConstraint(
                condition=models.Q(("stop_command__isnull", False)),
                fields=("stop_command",),
                name="session_once_per_stop_command",
            ),
        ),
    ]
