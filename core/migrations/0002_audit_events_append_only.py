from django.db import migrations

from core.append_only import install, remove

TABLE = "audit_events"


class Migration(migrations.Migration):
    """Triggers that refuse to change or remove what is written.

    SQLite drops them whenever a later migration rebuilds the table: such a migration has to
    install them again, and ``core/tests/test_append_only.py`` fails until it does.
    """

    dependencies = [("core", "0001_initial")]

    operations = [
        migrations.RunPython(
            lambda apps, schema_editor: install(schema_editor, TABLE),
            lambda apps, schema_editor: remove(schema_editor, TABLE),
        ),
    ]
