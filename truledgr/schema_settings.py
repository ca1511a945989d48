"""What the schema toolkit knows of this project: ``SCHEMATOOLS`` of the settings."""

SCHEMATOOLS = {
    "TITLE": "TruLedgr",
    "OUTPUT": "docs/developer/database",
    "EMBED": ["docs/developer/database-overview.md"],
    # The name that the specification uses on the command line.
    "ALIASES": {"auth": "authentication"},
    "QUERIES": "truledgr.hot_queries.named",
    "INDEX_IGNORE": {
        "query-scans:items visible to member": "SQLite: owner or group; no one index",
        "query-sorts:items visible to member": "PostgreSQL: it joins two indexes, then sorts",
        "query-scans:groups visible to member": "public or mine, by name until the page is full",
    },
    "VIEWPOINTS": {
        "access": {
            "title": "Who may do what",
            "purpose": "From a person to a permission: by roles held everywhere, or in a group.",
            "tables": ["users", "role*", "group*", "items"],
        },
        "sign-in": {
            "title": "Signing in",
            "purpose": "What proves who somebody is, and what a sign-in leaves behind.",
            "tables": ["users", "*_devices", "devices", "*_tokens", "user_sessions"],
        },
    },
    "LINT": {
        "ignore": [
            # The trail outlives the people in it.
            "foreign-key-unenforced:audit_events.actor_id",
            "foreign-key-unenforced:audit_events.on_behalf_of_id",
            # Written in batches, which no row that has gone meanwhile may stop.
            "foreign-key-unenforced:session_activities.session_id",
            "foreign-key-unenforced:session_activities.user_id",
            # django-otp declares the field; the unique constraint serves as its index.
            "duplicate-index:backup_code_devices.user_id",
            # Live rows have a partial index each; deleted ones are looked for by their deletion.
            "foreign-key-without-index:items.owner_id",
            "foreign-key-without-index:items.group_id",
        ]
    },
}
