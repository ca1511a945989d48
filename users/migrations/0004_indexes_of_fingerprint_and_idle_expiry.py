# schematools: accept index-added — no version was released before this one
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0003_usersession_verified_factor"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="device",
            index=models.Index(fields=["fingerprint"], name="device_fingerprint_idx"),
        ),
        migrations.AddIndex(
            model_name="usersession",
            index=models.Index(
                condition=models.Q(("ended_at", None)),
                fields=["idle_expires_at"],
                name="session_idle_expiry_idx",
            ),
        ),
    ]
