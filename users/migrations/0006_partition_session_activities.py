from django.db import migrations

from core.partitioning import PartitionByMonth


class Migration(migrations.Migration):
    """On PostgreSQL; the rows become the default partition, and stay there until they are old."""

    dependencies = [
        ("users", "0005_remembered_risky_impersonated_sessions"),
    ]

    operations = [
        PartitionByMonth("SessionActivity", "occurred_at"),
    ]
