"""No two stations have one public code. By chance two may have got the same in the step before."""

from django.db import migrations, models

from chargepoints.domain.public_codes import new_station_code


def tell_apart(apps, schema_editor):
    Station = apps.get_model("chargepoints", "Station")
    seen = set()
    for key, code in Station.objects.order_by("pk").values_list("pk", "public_code").iterator():
        if code in seen:
            code = new_station_code()
            Station.objects.filter(pk=key).update(public_code=code)
        seen.add(code)


class Migration(migrations.Migration):
    # The update and the index in one transaction would stand in each other's way on PostgreSQL.
    dependencies = [("chargepoints", "0009_station_public_code")]

    operations = [
        migrations.RunPython(tell_apart, migrations.RunPython.noop, elidable=True),
        migrations.AddConstraint(
            model_name="station",
            constraint=models.UniqueConstraint(
                fields=("public_code",), name="station_public_code_unique"
            ),
        ),
    ]
