from typing import Any

from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Lower


def lower_addresses(apps: Any, _schema_editor: Any) -> None:
    """Each write has lower-cased for long; two people in one spelling would stop the migration."""
    users = apps.get_model("accounts", "User").objects
    users.exclude(email=None).exclude(email=Lower("email")).update(email=Lower("email"))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_close_account"),
    ]

    operations = [
        migrations.AddField(
            model_name="verification",
            name="password_mark",
            field=models.CharField(blank=True, db_default="", editable=False, max_length=128),
        ),
        migrations.AddField(
            model_name="verification",
            name="first_requested_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.RunPython(lower_addresses, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=Q(email=Lower("email")), name="user_email_lower_case"
            ),
        ),
    ]
