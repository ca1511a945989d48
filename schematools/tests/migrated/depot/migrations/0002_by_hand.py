"""What no model speaks of: each engine gets what it can have."""

from django.db import migrations

SHARED = [
    "CREATE TABLE depot_ledger (id integer PRIMARY KEY, note text NOT NULL)",
    "CREATE INDEX depot_ledger_note ON depot_ledger (note)",
    "CREATE VIEW depot_wide AS SELECT id, name FROM depot_box WHERE width > 9",
]
POSTGRESQL = [
    *SHARED,
    (
        "CREATE TABLE depot_booking (box bigint NOT NULL, span tsrange, facts jsonb,"
        " CONSTRAINT depot_booking_once EXCLUDE USING gist (span WITH &&) WHERE (box > 0))"
    ),
    "CREATE INDEX depot_booking_facts ON depot_booking USING gin (facts jsonb_path_ops)",
    "CREATE MATERIALIZED VIEW depot_totals AS SELECT shelf_id, count(*) AS n FROM depot_box GROUP BY 1",
    "CREATE UNIQUE INDEX depot_totals_shelf ON depot_totals (shelf_id)",
    (
        "CREATE FUNCTION depot_touch() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.note := trim(NEW.note); RETURN NEW; END $$"
    ),
    (
        "CREATE TRIGGER depot_ledger_trim BEFORE INSERT ON depot_ledger"
        " FOR EACH ROW EXECUTE FUNCTION depot_touch()"
    ),
    (
        "CREATE TABLE depot_log (at date NOT NULL, line text) PARTITION BY RANGE (at);"
        "CREATE TABLE depot_log_rest PARTITION OF depot_log DEFAULT"
    ),
]
SQLITE = [
    *SHARED,
    (
        "CREATE TRIGGER depot_ledger_trim AFTER INSERT ON depot_ledger"
        " BEGIN UPDATE depot_ledger SET note = trim(note) WHERE id = NEW.id; END"
    ),
]


def make(apps, schema_editor):
    is_postgresql = schema_editor.connection.vendor == "postgresql"
    for statement in POSTGRESQL if is_postgresql else SQLITE:
        schema_editor.execute(statement)


def write(apps, schema_editor):
    """Write the way many migrations do: by the default manager, whatever the database."""
    apps.get_model("depot", "Tag").objects.create(title="fragile")


class Migration(migrations.Migration):
    dependencies = [("depot", "0001_initial")]
    operations = [
        migrations.RunPython(make, migrations.RunPython.noop),
        migrations.RunPython(write, migrations.RunPython.noop),
    ]
