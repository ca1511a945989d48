"""Single changes of a database on SQLite: the project, the change, and what is found.

A change is SQL, or a table to make anew with another text in place of one.
"""

OWN_REFERENCE = 'REFERENCES "depot_shelf" ("id") DEFERRABLE INITIALLY DEFERRED'


def change(project, changed, *wanted):
    return project, changed, wanted


MUTATIONS = {
    # Tables and views
    "table dropped": change(
        "depot", "DROP TABLE depot_box_tags", ("table-missing", "depot_box_tags")
    ),
    "table dropped, made by hand": change(
        "depot", "DROP TABLE depot_ledger", ("table-missing", "depot_ledger")
    ),
    "table of TruLedgr dropped": change(
        "truledgr", "PRAGMA foreign_keys=OFF; DROP TABLE items", ("table-missing", "items")
    ),
    "table added": change("depot", "CREATE TABLE extra (a int)", ("table-extra", "extra")),
    "virtual table added": change(
        "depot", "CREATE VIRTUAL TABLE words USING fts5(a)", ("table-extra", "words")
    ),
    "numbers given out again": change(
        "depot", ("depot_tag", " AUTOINCREMENT", ""), ("table-differs", "depot_tag")
    ),
    "strict": change(
        "depot",
        ("depot_ledger", "note text NOT NULL)", "note text NOT NULL) STRICT"),
        ("table-differs", "depot_ledger"),
    ),
    "view dropped": change("depot", "DROP VIEW depot_wide", ("view-missing", "depot_wide")),
    "view added": change("depot", "CREATE VIEW w AS SELECT 1 AS a", ("view-extra", "w")),
    "view changed": change(
        "depot",
        "DROP VIEW depot_wide; "
        "CREATE VIEW depot_wide AS SELECT id, name FROM depot_box WHERE width > 8",
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
        "DROP INDEX depot_box_newest; ALTER TABLE depot_box DROP COLUMN made_at",
        ("column-missing", "depot_box.made_at"),
        ("index-missing", "depot_box.depot_box_newest"),
    ),
    "column added": change(
        "depot", "ALTER TABLE depot_box ADD COLUMN extra int", ("column-extra", "depot_box.extra")
    ),
    "column renamed": change(
        "depot",
        "ALTER TABLE depot_tag RENAME COLUMN title TO heading",
        ("column-missing", "depot_tag.title"),
        ("column-extra", "depot_tag.heading"),
    ),
    "length": change(
        "truledgr",
        ("groups", '"name" varchar(120)', '"name" varchar(200)'),
        ("column-type", "groups.name"),
    ),
    "type": change(
        "depot",
        ("depot_box", '"height" integer', '"height" text'),
        ("column-type", "depot_box.height"),
    ),
    "precision": change(
        "depot",
        ("depot_box", '"weight" decimal', '"weight" decimal(12, 3)'),
        ("column-type", "depot_box.weight"),
    ),
    "no type": change(
        "depot", ("depot_ledger", "note text", "note"), ("column-type", "depot_ledger.note")
    ),
    "not null dropped": change(
        "depot",
        ("depot_box", '"weight" decimal NOT NULL', '"weight" decimal NULL'),
        ("column-null", "depot_box.weight"),
    ),
    "not null set": change(
        "depot",
        ("depot_box", '"height" integer NULL', '"height" integer NOT NULL'),
        ("column-null", "depot_box.height"),
    ),
    "default dropped": change(
        "depot", ("depot_box", "DEFAULT 1 ", ""), ("column-default", "depot_box.width")
    ),
    "default changed": change(
        "depot", ("depot_box", "DEFAULT 1 ", "DEFAULT 2 "), ("column-default", "depot_box.width")
    ),
    "default of a moment": change(
        "depot",
        ("depot_box", "DEFAULT (STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW'))", "DEFAULT (0)"),
        ("column-default", "depot_box.made_at"),
    ),
    "default left over": change(
        "truledgr",
        ("users", '"is_active" bool NOT NULL', '"is_active" bool DEFAULT 1 NOT NULL'),
        ("column-default", "users.is_active"),
    ),
    "no row number any more": change(
        "depot",
        ("depot_ledger", "id integer PRIMARY KEY", "id int PRIMARY KEY"),
        ("column-type", "depot_ledger.id"),
        ("column-default", "depot_ledger.id"),
        ("column-null", "depot_ledger.id"),
    ),
    "collation": change(
        "depot",
        ("depot_shelf", "COLLATE NOCASE", "COLLATE RTRIM"),
        ("column-collation", "depot_shelf.label"),
    ),
    "collation dropped": change(
        "depot", ("depot_shelf", "COLLATE NOCASE", ""), ("column-collation", "depot_shelf.label")
    ),
    "generated expression": change(
        "depot",
        ("depot_box", '"width" * 2', '"width" * 3'),
        ("column-generated", "depot_box.area"),
    ),
    "generated no more": change(
        "depot",
        ("depot_box", 'GENERATED ALWAYS AS (("width" * 2)) STORED', ""),
        ("column-generated", "depot_box.area"),
    ),
    # Indexes
    "index dropped": change(
        "depot", "DROP INDEX depot_box_newest", ("index-missing", "depot_box.depot_box_newest")
    ),
    "index of TruLedgr dropped": change(
        "truledgr",
        "DROP INDEX groups_group_alive_slug_uniq",
        ("constraint-missing", "groups.groups_group_alive_slug_uniq"),
    ),
    "index added": change(
        "depot", "CREATE INDEX more ON depot_box (made_at)", ("index-extra", "depot_box.more")
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
    "index collation": change(
        "depot",
        "DROP INDEX depot_ledger_note; "
        "CREATE INDEX depot_ledger_note ON depot_ledger (note COLLATE NOCASE)",
        ("index-differs", "depot_ledger.depot_ledger_note"),
    ),
    "index unique": change(
        "depot",
        "DROP INDEX depot_ledger_note; "
        "CREATE UNIQUE INDEX depot_ledger_note ON depot_ledger (note)",
        ("index-differs", "depot_ledger.depot_ledger_note"),
    ),
    "index renamed": change(
        "depot",
        "DROP INDEX depot_box_newest; CREATE INDEX newest ON depot_box (name, made_at DESC)",
        ("index-renamed", "depot_box.depot_box_newest"),
    ),
    # Constraints
    "primary key dropped": change(
        "depot",
        ("depot_ledger", "id integer PRIMARY KEY", "id integer NOT NULL"),
        ("constraint-missing", "depot_ledger.id"),
        ("column-default", "depot_ledger.id"),
    ),
    "unique dropped": change(
        "depot",
        ("depot_box", ', CONSTRAINT "depot_box_place" UNIQUE ("shelf_id", "name")', ""),
        ("constraint-missing", "depot_box.depot_box_place"),
    ),
    "unique added": change(
        "depot",
        ("depot_tag", '"title" text NOT NULL', '"title" text NOT NULL UNIQUE'),
        ("constraint-extra", "depot_tag.title"),
    ),
    "unique condition": change(
        "depot",
        "DROP INDEX depot_box_flat; CREATE UNIQUE INDEX depot_box_flat ON depot_box (name) "
        "WHERE height IS NOT NULL",
        ("constraint-differs", "depot_box.depot_box_flat"),
    ),
    "check dropped": change(
        "depot",
        ("depot_box", 'CONSTRAINT "depot_box_weight" CHECK ("weight" >= \'0\'), ', ""),
        ("constraint-missing", "depot_box.depot_box_weight"),
    ),
    "check changed": change(
        "depot",
        ("depot_box", "\"weight\" >= '0'", '"weight" > 0'),
        ("constraint-differs", "depot_box.depot_box_weight"),
    ),
    "check of a field dropped": change(
        "depot",
        ("depot_box", ' CHECK ("width" >= 0)', ""),
        ("constraint-missing", "depot_box.check"),
    ),
    "check added": change(
        "depot",
        ("depot_tag", '"title" text NOT NULL', '"title" text NOT NULL CHECK (title > 1)'),
        ("constraint-extra", "depot_tag.check"),
    ),
    "check renamed": change(
        "depot",
        ("depot_box", "depot_box_weight", "weight_check"),
        ("constraint-renamed", "depot_box.depot_box_weight"),
    ),
    # Foreign keys
    "reference dropped": change(
        "depot", ("depot_box", OWN_REFERENCE, ""), ("foreign-key-missing", "depot_box.shelf_id")
    ),
    "reference added": change(
        "depot",
        ("depot_ledger", "note text", "note text REFERENCES depot_shelf (code)"),
        ("foreign-key-extra", "depot_ledger.note"),
    ),
    "reference to another table": change(
        "depot",
        ("depot_box", OWN_REFERENCE, OWN_REFERENCE.replace("shelf", "tag")),
        ("foreign-key-differs", "depot_box.shelf_id"),
    ),
    "reference with a cascade": change(
        "depot",
        ("depot_box", OWN_REFERENCE, OWN_REFERENCE.replace(" DEF", " ON DELETE CASCADE DEF", 1)),
        ("foreign-key-differs", "depot_box.shelf_id"),
    ),
    "reference not deferrable": change(
        "depot",
        ("depot_box", OWN_REFERENCE, 'REFERENCES "depot_shelf" ("id")'),
        ("foreign-key-differs", "depot_box.shelf_id"),
    ),
    # Triggers
    "trigger dropped": change(
        "depot",
        "DROP TRIGGER depot_ledger_trim",
        ("trigger-missing", "depot_ledger.depot_ledger_trim"),
    ),
    "trigger of TruLedgr dropped": change(
        "truledgr",
        "DROP TRIGGER audit_events_no_update",
        ("trigger-missing", "audit_events.audit_events_no_update"),
    ),
    "trigger added": change(
        "depot",
        "CREATE TRIGGER more AFTER DELETE ON depot_tag BEGIN SELECT 1; END",
        ("trigger-extra", "depot_tag.more"),
    ),
    "trigger changed": change(
        "depot",
        "DROP TRIGGER depot_ledger_trim; CREATE TRIGGER depot_ledger_trim AFTER INSERT ON "
        "depot_ledger BEGIN UPDATE depot_ledger SET note = upper(note) WHERE id = NEW.id; END",
        ("trigger-differs", "depot_ledger.depot_ledger_trim"),
    ),
}
