"""Changes of a database that are no drift: the project, and what is changed."""

from schematools.tests.mutations_postgresql import BOX, by_name, reference

DROP_ALL = (
    "DO $do$ DECLARE part regclass; BEGIN FOR part IN SELECT inhrelid::regclass FROM pg_inherits "
    "WHERE inhparent = 'session_activities'::regclass LOOP EXECUTE format('DROP TABLE %s', part); "
    "END LOOP; END $do$"
)


def _month(start, end):
    name = f"session_activities_{start.replace('-', '_')}"
    return (
        f"CREATE TABLE {name} PARTITION OF session_activities FOR VALUES FROM ('{start}') "
        f"TO ('{end}')"
    )


POSTGRESQL = {
    "automatic names": (
        "depot",
        reference("depot_box", "shelf_id", f"{BOX} RENAME CONSTRAINT %I TO other_hash_fk"),
    ),
    "an automatic index by another name": (
        "depot",
        by_name(
            "SELECT indexname FROM pg_indexes WHERE tablename = 'depot_box' "
            "AND indexdef LIKE '%btree (name)'",
            "ALTER INDEX %I RENAME TO depot_box_name_other",
        ),
    ),
    "serial instead of identity": (
        "depot",
        (
            "ALTER TABLE depot_tag ALTER COLUMN id DROP IDENTITY; CREATE SEQUENCE s OWNED BY "
            "depot_tag.id; ALTER TABLE depot_tag ALTER COLUMN id SET DEFAULT nextval('s')"
        ),
    ),
    "order of columns": (
        "depot",
        (
            f"{BOX} DROP COLUMN height CASCADE, ADD COLUMN height int; "
            "CREATE INDEX depot_box_tall ON depot_box (height) WHERE height > 3; "
            "CREATE UNIQUE INDEX depot_box_flat ON depot_box (name) WHERE height IS NULL; "
            f"{BOX} ADD CONSTRAINT depot_box_nulls UNIQUE NULLS NOT DISTINCT (spare_id, height)"
        ),
    ),
    "another schema": ("depot", "CREATE SCHEMA other; CREATE TABLE other.t (a int)"),
    "what an extension owns": (
        "depot",
        "CREATE TABLE owned (a int); ALTER EXTENSION plpgsql ADD TABLE owned",
    ),
    "grants, statistics, comments and a fill factor": (
        "depot",
        (
            "GRANT SELECT ON depot_box TO PUBLIC; "
            "CREATE STATISTICS st ON width, height FROM depot_box; "
            f"ANALYZE depot_box; COMMENT ON TABLE depot_box IS 'x'; {BOX} SET (fillfactor = 70); "
            f"{BOX} ALTER COLUMN name SET STATISTICS 500"
        ),
    ),
    "a partition": (
        "depot",
        (
            "CREATE TABLE depot_log_2020 PARTITION OF depot_log "
            "FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')"
        ),
    ),
    "no partition": ("truledgr", DROP_ALL),
    "one partition of three years": (
        "truledgr",
        f"{DROP_ALL}; {_month('2031-01-01', '2034-01-01')}",
    ),
    "two years of months": (
        "truledgr",
        "; ".join(
            _month(f"{year}-{month:02}-01", f"{year + month // 12}-{month % 12 + 1:02}-01")
            for year in (2031, 2032)
            for month in range(1, 13)
        ),
    ),
    "a partition with an index of its own": (
        "truledgr",
        (
            f"{_month('2031-01-01', '2034-01-01')}; "
            "CREATE INDEX ON session_activities_2031_01_01 (route)"
        ),
    ),
    "the spelling of expressions": (
        "depot",
        (
            "DROP INDEX depot_box_tall; "
            "CREATE INDEX depot_box_tall ON depot_box (  HEIGHT ) WHERE ((height)::int > (3))"
        ),
    ),
}

SQLITE = {
    "an automatic index by another name": (
        "depot",
        (
            "PRAGMA writable_schema=ON; UPDATE sqlite_master SET "
            "sql = replace(sql, substr(name, 1), 'other'), name = 'other' WHERE type = 'index' AND "
            "sql LIKE '%(\"name\")' AND tbl_name = 'depot_box'; PRAGMA writable_schema=RESET"
        ),
    ),
    "order of columns": (
        "depot",
        (
            "depot_ledger",
            "id integer PRIMARY KEY, note text NOT NULL",
            "note text NOT NULL, id integer PRIMARY KEY",
        ),
    ),
    "spelling": (
        "depot",
        (
            "depot_ledger",
            "(id integer PRIMARY KEY, note text NOT NULL)",
            "(\n  [id] INTEGER -- key\n  PRIMARY KEY,\n  note TEXT  NOT NULL\n)",
        ),
    ),
    "statistics": ("depot", "ANALYZE"),
    "spelling of a condition": (
        "depot",
        (
            "DROP INDEX depot_box_tall; "
            "CREATE INDEX depot_box_tall ON depot_box (height) WHERE ( ( [height]>3 ) )"
        ),
    ),
}
