"""A code by which the public knows a station; the database makes one up for every row."""

from django.db import migrations, models

import chargepoints.domain.public_codes
import chargepoints.models.stations


class Migration(migrations.Migration):
    dependencies = [("chargepoints", "0008_alerts")]

    operations = [
        migrations.AddField(
            model_name="station",
            name="public_code",
            field=models.CharField(
                db_default=chargepoints.models.stations.RandomStationCode(
                    output_field=models.CharField()
                ),
                default=chargepoints.domain.public_codes.new_station_code,
                editable=False,
                help_text="What drivers and strangers know the station by, instead of its identity.",
                max_length=10,
                verbose_name="public code",
            ),
        ),
    ]
