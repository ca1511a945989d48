"""Single changes of a database on PostgreSQL: the project, the SQL, and what is found."""

BOX = "ALTER TABLE depot_box"
USERS = "ALTER TABLE users"


def by_name(query, statement):
    """Run a statement with a name that only the catalog knows in place of the mark."""
    return f"DO $do$ BEGIN EXECUTE format($f${statement}$f$, ({query})); END $do$"


def reference(table, column, statement):
    return by_name(
        "SELECT conname FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid "
        f"AND a.attnum = k.conkey[1] WHERE k.conrelid = '{table}'::regclass AND k.contype = 'f' "
        f"AND a.attname = '{column}'",
        statement,
    )


def change(project, sql, *wanted):
    return project, sql, wanted


PARTS = "session_activities"

MUTATIONS = {
    # Tables and views
    "table dropped": change(
        "depot", "DROP TABLE depot_box_tags", ("table-missing", "depot_box_tags")
    ),
    "table dropped, made by hand": change(
        "depot", "DROP TABLE depot_booking", ("table-missing", "depot_booking")
    ),
    "table added": change("depot", "CREATE TABLE extra (a int)", ("table-extra", "extra")),
    "table unlogged": change(
        "depot", "ALTER TABLE depot_ledger SET UNLOGGED", *[("table-differs", "depot_ledger")]
    ),
    "row level security": change(
        "truledgr", "ALTER TABLE items ENABLE ROW LEVEL SECURITY", ("table-differs", "items")
    ),
    "view dropped": change("depot", "DROP VIEW depot_wide", ("view-missing", "depot_wide")),
    "materialized view dropped": change(
        "depot", "DROP MATERIALIZED VIEW depot_totals", ("view-missing", "depot_totals")
    ),
    "view added": change("depot", "CREATE VIEW w AS SELECT 1 AS a", ("view-extra", "w")),
    "view changed": change(
        "depot",
        "CREATE OR REPLACE VIEW depot_wide AS SELECT id, name FROM depot_box WHERE width > 8",
        ("view-differs", "depot_wide"),
    ),
    "table instead of a view": change(
        "depot",
        "DROP VIEW depot_wide; CREATE TABLE depot_wide (id bigint, name varchar(40))",
        ("table-differs", "depot_wide"),
    ),
    # Columns
    "column dropped": change(
        "depot",
        f"{BOX} DROP COLUMN made_at CASCADE",
        ("column-missing", "depot_box.made_at"),
        ("index-missing", "depot_box.depot_box_newest"),
    ),
    "column added": change(
        "depot", f"{BOX} ADD COLUMN extra int", ("column-extra", "depot_box.extra")
    ),
    "column renamed": change(
        "depot",
        "ALTER TABLE depot_tag RENAME COLUMN title TO heading",
        ("column-missing", "depot_tag.title"),
        ("column-extra", "depot_tag.heading"),
    ),
    "length": change(
        "truledgr",
        "ALTER TABLE groups ALTER COLUMN name TYPE varchar(200)",
        ("column-type", "groups.name"),
    ),
    "precision": change(
        "depot",
        f"{BOX} ALTER COLUMN weight TYPE numeric(12,3)",
        ("column-type", "depot_box.weight"),
    ),
    "type": change(
        "depot", f"{BOX} ALTER COLUMN height TYPE bigint", ("column-type", "depot_box.height")
    ),
    "not null dropped": change(
        "depot", f"{BOX} ALTER COLUMN weight DROP NOT NULL", ("column-null", "depot_box.weight")
    ),
    "not null set": change(
        "depot", f"{BOX} ALTER COLUMN height SET NOT NULL", ("column-null", "depot_box.height")
    ),
    "default dropped": change(
        "depot", f"{BOX} ALTER COLUMN width DROP DEFAULT", ("column-default", "depot_box.width")
    ),
    "default changed": change(
        "depot", f"{BOX} ALTER COLUMN width SET DEFAULT 2", ("column-default", "depot_box.width")
    ),
    "default left over": change(
        "truledgr",
        f"{USERS} ALTER COLUMN is_active SET DEFAULT true",
        ("column-default", "users.is_active"),
    ),
    "identity dropped": change(
        "depot",
        "ALTER TABLE depot_tag ALTER COLUMN id DROP IDENTITY",
        ("column-default", "depot_tag.id"),
    ),
    "collation": change(
        "depot",
        'ALTER TABLE depot_shelf ALTER COLUMN label TYPE varchar(60) COLLATE "POSIX"',
        ("column-collation", "depot_shelf.label"),
    ),
    "collation dropped": change(
        "depot",
        "ALTER TABLE depot_shelf ALTER COLUMN label TYPE varchar(60)",
        ("column-collation", "depot_shelf.label"),
    ),
    "generated expression": change(
        "depot",
        f"{BOX} DROP COLUMN area, ADD COLUMN area int GENERATED ALWAYS AS (width * 3) STORED",
        ("column-generated", "depot_box.area"),
    ),
    "generated no more": change(
        "depot", f"{BOX} ALTER COLUMN area DROP EXPRESSION", ("column-generated", "depot_box.area")
    ),
    # Indexes
    "index dropped": change(
        "depot", "DROP INDEX depot_box_newest", ("index-missing", "depot_box.depot_box_newest")
    ),
    "index added": change(
        "depot", "CREATE INDEX more ON depot_box (weight)", ("index-extra", "depot_box.more")
    ),
    "index doubled": change(
        "depot",
        "CREATE INDEX more ON depot_box (name, made_at DESC)",
        ("index-extra", "depot_box.more"),
    ),
    "index columns": change(
        "depot",
        "DROP INDEX depot_box_newest; CREATE INDEX depot_box_newest ON depot_box (name)",
        ("index-differs", "depot_box.depot_box_newest"),
    ),
    "index order": change(
        "depot",
        "DROP INDEX depot_box_newest; CREATE INDEX depot_box_newest ON depot_box (name, made_at)",
        ("index-differs", "depot_box.depot_box_newest"),
    ),
    "index condition": change(
        "depot",
        "DROP INDEX depot_box_tall; CREATE INDEX depot_box_tall ON depot_box (height) "
        "WHERE height > 4",
        ("index-differs", "depot_box.depot_box_tall"),
    ),
    "index expression": change(
        "depot",
        "DROP INDEX depot_box_upper; CREATE INDEX depot_box_upper ON depot_box (lower(name))",
        ("index-differs", "depot_box.depot_box_upper"),
    ),
    "index include": change(
        "depot",
        "DROP INDEX depot_box_heavy; CREATE INDEX depot_box_heavy ON depot_box (weight)",
        ("index-differs", "depot_box.depot_box_heavy"),
    ),
    "index method": change(
        "depot",
        "DROP INDEX depot_ledger_note; CREATE INDEX depot_ledger_note ON depot_ledger "
        "USING hash (note)",
        ("index-differs", "depot_ledger.depot_ledger_note"),
    ),
    "index operator class": change(
        "depot",
        "DROP INDEX depot_booking_facts; CREATE INDEX depot_booking_facts ON depot_booking "
        "USING gin (facts)",
        ("index-differs", "depot_booking.depot_booking_facts"),
    ),
    "index unique": change(
        "depot",
        "DROP INDEX depot_ledger_note; "
        "CREATE UNIQUE INDEX depot_ledger_note ON depot_ledger (note)",
        ("index-differs", "depot_ledger.depot_ledger_note"),
    ),
    "index of a concurrent build that failed": change(
        "depot",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'depot_box_newest'::regclass",
        ("index-invalid", "depot_box.depot_box_newest"),
    ),
    "index left over by a concurrent build": change(
        "depot",
        "CREATE INDEX depot_box_newest_ccnew ON depot_box (name, made_at DESC); UPDATE pg_index "
        "SET indisvalid = false WHERE indexrelid = 'depot_box_newest_ccnew'::regclass",
        ("index-invalid", "depot_box.depot_box_newest_ccnew"),
    ),
    "index renamed": change(
        "depot",
        "ALTER INDEX depot_box_tall RENAME TO tall",
        ("index-renamed", "depot_box.depot_box_tall"),
    ),
    "index of a materialized view dropped": change(
        "depot",
        "DROP INDEX depot_totals_shelf",
        ("constraint-missing", "depot_totals.depot_totals_shelf"),
    ),
    # Constraints
    "primary key dropped": change(
        "depot",
        "ALTER TABLE depot_ledger DROP CONSTRAINT depot_ledger_pkey",
        ("constraint-missing", "depot_ledger.depot_ledger_pkey"),
    ),
    "unique dropped": change(
        "depot",
        f"{BOX} DROP CONSTRAINT depot_box_place",
        ("constraint-missing", "depot_box.depot_box_place"),
    ),
    "unique added": change(
        "depot",
        "ALTER TABLE depot_tag ADD CONSTRAINT once UNIQUE (title)",
        ("constraint-extra", "depot_tag.once"),
    ),
    "unique condition": change(
        "depot",
        "DROP INDEX depot_box_flat; CREATE UNIQUE INDEX depot_box_flat ON depot_box (name) "
        "WHERE height IS NOT NULL",
        ("constraint-differs", "depot_box.depot_box_flat"),
    ),
    "unique deferrability": change(
        "depot",
        f"{BOX} DROP CONSTRAINT depot_box_later, ADD CONSTRAINT depot_box_later "
        "UNIQUE (shelf_id, width)",
        ("constraint-differs", "depot_box.depot_box_later"),
    ),
    "unique nulls distinct": change(
        "depot",
        f"{BOX} DROP CONSTRAINT depot_box_nulls, ADD CONSTRAINT depot_box_nulls "
        "UNIQUE (spare_id, height)",
        ("constraint-differs", "depot_box.depot_box_nulls"),
    ),
    "unique renamed": change(
        "depot",
        f"{BOX} RENAME CONSTRAINT depot_box_place TO place",
        ("constraint-renamed", "depot_box.depot_box_place"),
    ),
    "partial unique of people dropped": change(
        "truledgr",
        "DROP INDEX groups_group_alive_slug_uniq",
        ("constraint-missing", "groups.groups_group_alive_slug_uniq"),
    ),
    "check dropped": change(
        "depot",
        f"{BOX} DROP CONSTRAINT depot_box_weight",
        ("constraint-missing", "depot_box.depot_box_weight"),
    ),
    "check changed": change(
        "depot",
        f"{BOX} DROP CONSTRAINT depot_box_weight, ADD CONSTRAINT depot_box_weight "
        "CHECK (weight > 0)",
        ("constraint-differs", "depot_box.depot_box_weight"),
    ),
    "check added": change(
        "truledgr",
        f"{USERS} ADD CONSTRAINT more CHECK (id IS NOT NULL)",
        ("constraint-extra", "users.more"),
    ),
    "check not valid": change(
        "depot",
        f"{BOX} DROP CONSTRAINT depot_box_weight, ADD CONSTRAINT depot_box_weight "
        "CHECK (weight >= 0::numeric) NOT VALID",
        ("constraint-not-valid", "depot_box.depot_box_weight"),
    ),
    "exclusion dropped": change(
        "depot",
        "ALTER TABLE depot_booking DROP CONSTRAINT depot_booking_once",
        ("constraint-missing", "depot_booking.depot_booking_once"),
    ),
    "exclusion operator": change(
        "depot",
        "ALTER TABLE depot_booking DROP CONSTRAINT depot_booking_once, ADD CONSTRAINT "
        "depot_booking_once EXCLUDE USING gist (span WITH -|-) WHERE (box > 0)",
        ("constraint-differs", "depot_booking.depot_booking_once"),
    ),
    # Foreign keys
    "reference dropped": change(
        "depot",
        reference("depot_box", "shelf_id", f"{BOX} DROP CONSTRAINT %I"),
        ("foreign-key-missing", "depot_box.shelf_id"),
    ),
    "reference dropped in TruLedgr": change(
        "truledgr",
        reference("items", "group_id", "ALTER TABLE items DROP CONSTRAINT %I"),
        ("foreign-key-missing", "items.group_id"),
    ),
    "reference added": change(
        "depot",
        "ALTER TABLE depot_ledger ADD FOREIGN KEY (id) REFERENCES depot_box",
        ("foreign-key-extra", "depot_ledger.id"),
    ),
    "reference to another table": change(
        "depot",
        reference(
            "depot_box",
            "shelf_id",
            f"{BOX} DROP CONSTRAINT %I, ADD CONSTRAINT elsewhere "
            "FOREIGN KEY (shelf_id) REFERENCES depot_tag DEFERRABLE INITIALLY DEFERRED",
        ),
        ("foreign-key-differs", "depot_box.shelf_id"),
    ),
    "reference with a cascade": change(
        "depot",
        reference(
            "depot_box",
            "shelf_id",
            f"{BOX} DROP CONSTRAINT %I, ADD CONSTRAINT cascading "
            "FOREIGN KEY (shelf_id) REFERENCES depot_shelf ON DELETE CASCADE "
            "DEFERRABLE INITIALLY DEFERRED",
        ),
        ("foreign-key-differs", "depot_box.shelf_id"),
    ),
    "reference not deferrable": change(
        "depot",
        reference("depot_box", "shelf_id", f"{BOX} ALTER CONSTRAINT %I NOT DEFERRABLE"),
        ("foreign-key-differs", "depot_box.shelf_id"),
    ),
    "reference not valid": change(
        "depot",
        reference(
            "depot_box",
            "shelf_id",
            f"{BOX} DROP CONSTRAINT %I, ADD CONSTRAINT unseen "
            "FOREIGN KEY (shelf_id) REFERENCES depot_shelf "
            "DEFERRABLE INITIALLY DEFERRED NOT VALID",
        ),
        ("constraint-not-valid", "depot_box.shelf_id"),
    ),
    # Triggers
    "trigger dropped": change(
        "depot",
        "DROP TRIGGER depot_ledger_trim ON depot_ledger",
        ("trigger-missing", "depot_ledger.depot_ledger_trim"),
    ),
    "trigger dropped with its function": change(
        "truledgr",
        "DROP FUNCTION audit_events_refuse() CASCADE",
        ("trigger-missing", "audit_events.audit_events_append_only"),
    ),
    "trigger added": change(
        "depot",
        "CREATE TRIGGER more BEFORE UPDATE ON depot_box "
        "FOR EACH ROW EXECUTE FUNCTION depot_touch()",
        ("trigger-extra", "depot_box.more"),
    ),
    "trigger changed": change(
        "depot",
        "CREATE OR REPLACE TRIGGER depot_ledger_trim BEFORE UPDATE ON depot_ledger FOR EACH ROW "
        "EXECUTE FUNCTION depot_touch()",
        ("trigger-differs", "depot_ledger.depot_ledger_trim"),
    ),
    "function of a trigger changed": change(
        "depot",
        "CREATE OR REPLACE FUNCTION depot_touch() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN NEW; END $$",
        ("trigger-differs", "depot_ledger.depot_ledger_trim"),
    ),
    "trigger disabled": change(
        "truledgr",
        "ALTER TABLE audit_events DISABLE TRIGGER audit_events_append_only",
        ("trigger-disabled", "audit_events.audit_events_append_only"),
    ),
    "trigger not always": change(
        "truledgr",
        "ALTER TABLE audit_events ENABLE TRIGGER audit_events_append_only",
        ("trigger-disabled", "audit_events.audit_events_append_only"),
    ),
    # Partitions
    "index of a partitioned table dropped": change(
        "truledgr", "DROP INDEX activity_user_idx", ("index-missing", f"{PARTS}.activity_user_idx")
    ),
    "index that the partitions lack": change(
        "truledgr",
        "DROP INDEX activity_time_idx; "
        f"CREATE INDEX activity_time_idx ON ONLY {PARTS} (occurred_at DESC)",
        ("index-invalid", f"{PARTS}.activity_time_idx"),
    ),
    "index added that the partitions lack": change(
        "truledgr",
        f"CREATE INDEX extra ON ONLY {PARTS} (route)",
        ("index-invalid", f"{PARTS}.extra"),
    ),
    "index added to a partitioned table": change(
        "truledgr", f"CREATE INDEX extra ON {PARTS} (route)", ("index-extra", f"{PARTS}.extra")
    ),
    "check of a partitioned table dropped": change(
        "truledgr",
        f"ALTER TABLE {PARTS} DROP CONSTRAINT session_activities_status_check",
        ("constraint-missing", f"{PARTS}.session_activities_status_check"),
    ),
    "partitions gone": change(
        "truledgr",
        f"DROP TABLE {PARTS}; CREATE TABLE {PARTS} (id bigserial PRIMARY KEY)",
        ("table-differs", PARTS),
    ),
}
