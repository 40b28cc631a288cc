"""Addresses from before verification were entered by an operator or on the command line."""

from django.db import migrations
from django.db.models import F


def mark_verified(apps, schema_editor):
    User = apps.get_model("accounts", "User")
    User.objects.filter(email__isnull=False, email_verified_at=None).update(
        email_verified_at=F("date_joined")
    )
    User.objects.filter(phone_digest__isnull=False, phone_verified_at=None).update(
        phone_verified_at=F("date_joined")
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_drivers")]

    operations = [migrations.RunPython(mark_verified, migrations.RunPython.noop, elidable=True)]
