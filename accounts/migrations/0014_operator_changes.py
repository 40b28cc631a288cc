from typing import Any

from django.db import migrations, models
from django.db.models import F
from django.db.models.functions import Now


def unchanged_so_far(apps: Any, _schema_editor: Any) -> None:
    """Else everybody who keeps a copy of the stations would read all of them anew."""
    apps.get_model("accounts", "Operator").objects.update(updated_at=F("created_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0013_names_of_states"),
    ]

    operations = [
        migrations.AddField(
            model_name="operator",
            name="updated_at",
            field=models.DateTimeField(auto_now=True, db_default=Now(), verbose_name="updated"),
        ),
        migrations.RunPython(unchanged_so_far, migrations.RunPython.noop),
    ]
