"""How holdings ended: a moved seat counts towards the moves of the year, one whose member left does not."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_pending_seats_hold")]
    operations = [
        migrations.AddField(
            model_name="seatassignment",
            name="ending",
            field=models.CharField(
                blank=True,
                choices=[
                    ("freed", "Taken back by hand before it was used"),
                    ("moved", "Taken by hand from somebody who used it"),
                    ("left", "The member left"),
                    ("undone", "Its giving was undone"),
                ],
                db_default="",
                max_length=8,
            ),
        ),
    ]
