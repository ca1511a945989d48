# schematools: accept check-added-with-column — no version was released before this one
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("authentication", "0002_described_columns_fewer_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="backupcodedevice",
            name="warned_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When its owner was last told of wrong codes after a right password.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="backupcodedevice",
            name="wrong_codes",
            field=models.PositiveBigIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="Wrong codes ever; only grows, so that one sign-in can count its own.",
            ),
        ),
        migrations.AddField(
            model_name="totpdevice",
            name="warned_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When its owner was last told of wrong codes after a right password.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="totpdevice",
            name="wrong_codes",
            field=models.PositiveBigIntegerField(
                db_default=0,
                default=0,
                editable=False,
                help_text="Wrong codes ever; only grows, so that one sign-in can count its own.",
            ),
        ),
    ]
