from django.db import migrations

from core.text_search import AddSearchIndex


class Migration(migrations.Migration):
    dependencies = [
        ("items", "0002_described_columns"),
    ]

    operations = [
        AddSearchIndex("Item", fields=["name", "description"], name="item_search_idx"),
    ]
