from django.db import migrations, models

from csms.common.concurrent_indexes import AddIndexConcurrently


class Migration(migrations.Migration):
    """Apart from the column: attempts are written while it is built, without a transaction."""

    atomic = False

    dependencies = [
        ("accounts", "0016_login_attempt_networks"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="loginattempt",
            index=models.Index(fields=["network", "-at"], name="login_attempt_by_network"),
        ),
    ]
