"""What PostgreSQL's catalog is asked, in four queries however many tables there are.

No parameters and no percent signs: drivers differ.
"""

# Begins every query with the tables it is about.
SCOPE = """
WITH scope AS MATERIALIZED (
    SELECT c.oid, c.relkind,
        CASE WHEN n.nspname = current_schema() THEN c.relname::text
             ELSE n.nspname || '.' || c.relname END AS name
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT c.relispartition
      AND n.nspname = ANY (current_schemas(false))
      AND left(n.nspname, 3) <> 'pg_'
      AND n.nspname <> 'information_schema'
      AND NOT EXISTS (
          SELECT FROM pg_depend d
          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
      )
)
"""

# 1. Tables and views, with their comments, what a view shows, what is unusual of the whole, and the
#    triggers. A constraint's own triggers are of interest only when somebody has disabled them.
TABLES = """
SELECT s.oid, s.name, s.relkind::text, coalesce(obj_description(s.oid, 'pg_class'), ''),
    CASE WHEN s.relkind IN ('v', 'm') THEN pg_get_viewdef(s.oid, true) ELSE '' END,
    ARRAY[
        CASE WHEN c.relpersistence = 'u' THEN 'UNLOGGED' END,
        CASE WHEN c.relrowsecurity THEN 'ROW LEVEL SECURITY' END,
        CASE WHEN s.relkind = 'p' THEN 'PARTITION BY ' || pg_get_partkeydef(s.oid) END,
        CASE WHEN s.relkind = 'v' THEN array_to_string(c.reloptions, ', ') END
    ]::text[],
    ARRAY(
        SELECT ARRAY[
            t.tgname::text, t.tgenabled::text, pg_get_triggerdef(t.oid, true), p.prosrc,
            CASE WHEN l.lanname IN ('plpgsql', 'sql') THEN pg_get_functiondef(p.oid) ELSE '' END
        ]
        FROM pg_trigger t
        JOIN pg_proc p ON p.oid = t.tgfoid
        JOIN pg_language l ON l.oid = p.prolang
        WHERE t.tgrelid = s.oid AND NOT t.tgisinternal
        ORDER BY t.tgname
    ),
    ARRAY(
        SELECT DISTINCT k.conname::text
        FROM pg_trigger t
        JOIN pg_constraint k ON k.oid = t.tgconstraint
        WHERE t.tgrelid = s.oid AND t.tgisinternal AND t.tgenabled = 'D'
    )
FROM scope s
JOIN pg_class c ON c.oid = s.oid
"""

# 2. Columns. A sequence that a column owns and takes its default from is a serial's, which says
#    the same as an identity. A domain may refuse NULL as well.
COLUMNS = r"""
SELECT a.attrelid, a.attname::text,
    format_type(a.atttypid, a.atttypmod),
    NOT (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)),
    coalesce(pg_get_expr(d.adbin, d.adrelid), ''),
    a.attgenerated <> '',
    a.attidentity <> '' OR (
        pg_get_expr(d.adbin, d.adrelid) ~ '^nextval\(''([^'']|'''')+''::regclass\)$'
        AND EXISTS (
            SELECT FROM pg_depend owned
            JOIN pg_depend used ON used.refclassid = owned.classid AND used.refobjid = owned.objid
            WHERE owned.classid = 'pg_class'::regclass AND owned.deptype = 'a'
              AND owned.refclassid = 'pg_class'::regclass
              AND owned.refobjid = a.attrelid AND owned.refobjsubid = a.attnum
              AND used.classid = 'pg_attrdef'::regclass AND used.objid = d.oid
        )
    ),
    CASE WHEN a.attcollation = t.typcollation THEN ''
         WHEN pg_collation_is_visible(a.attcollation) THEN c.collname::text
         ELSE c.collnamespace::regnamespace || '.' || c.collname END,
    coalesce(col_description(a.attrelid, a.attnum), '')
FROM scope s
JOIN pg_attribute a ON a.attrelid = s.oid
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation c ON c.oid = a.attcollation
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

# 3. Indexes, with the primary key, unique or exclusion constraint behind them. The names of the
#    columns are null where an expression stands. Before PostgreSQL 15 there was no
#    indnullsnotdistinct, which asking for it as JSON does not mind.
INDEXES = """
SELECT i.indrelid, ic.relname::text, am.amname::text, i.indisunique, i.indisvalid,
    coalesce(to_jsonb(i) ->> 'indnullsnotdistinct', 'false') = 'false',
    i.indnkeyatts,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS key (number, place)
        LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.number
            AND a.attnum <> 0
        ORDER BY key.place
    ),
    pg_get_indexdef(i.indexrelid),
    coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
    coalesce(k.contype::text, ''), coalesce(k.condeferrable, false),
    coalesce(k.condeferred, false),
    coalesce(pg_get_constraintdef(k.oid), '')
FROM scope s
JOIN pg_index i ON i.indrelid = s.oid
JOIN pg_class ic ON ic.oid = i.indexrelid
JOIN pg_am am ON am.oid = ic.relam
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid
    AND k.contype IN ('p', 'u', 'x')
ORDER BY ic.relname
"""

# 4. Checks and foreign keys. Those with a parent are what a partition adds to its table's.
CONSTRAINTS = """
SELECT k.conrelid, k.conname::text, k.contype::text,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(k.conkey) WITH ORDINALITY AS key (number, place)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.number
        ORDER BY key.place
    ),
    coalesce(
        CASE WHEN n.nspname = current_schema() THEN f.relname::text
             ELSE n.nspname || '.' || f.relname END, ''
    ),
    ARRAY(
        SELECT a.attname::text
        FROM unnest(k.confkey) WITH ORDINALITY AS key (number, place)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = key.number
        ORDER BY key.place
    ),
    k.confdeltype::text, k.condeferrable, k.condeferred,
    coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true',
    coalesce(pg_get_expr(k.conbin, k.conrelid), ''), k.confupdtype::text, k.confmatchtype::text,
    k.convalidated, pg_get_constraintdef(k.oid)
FROM scope s
JOIN pg_constraint k ON k.conrelid = s.oid
LEFT JOIN pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_namespace n ON n.oid = f.relnamespace
WHERE k.contype IN ('c', 'f') AND k.conparentid = 0
ORDER BY k.conname
"""
