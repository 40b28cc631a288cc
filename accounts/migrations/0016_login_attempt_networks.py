from django.db import migrations, models


class Migration(migrations.Migration):
    """Rows from before are not looked for: only those of the last 15 minutes are counted on."""

    dependencies = [
        ("accounts", "0015_account_message_backoff"),
    ]

    operations = [
        migrations.AddField(
            model_name="loginattempt",
            name="network",
            field=models.CharField(blank=True, db_default="", editable=False, max_length=64),
        ),
    ]
