"""Words that groups, items and tokens are named with. Data only."""

from __future__ import annotations

from groups.models import GroupType
from items.models import ItemKind

GROUP_NAMES = {
    GroupType.TEAM: (
        "Platform team", "Mobile team", "Payments team", "Design team", "Data team",
        "Localisation team", "Quality team", "Search team", "Billing team", "Field service team",
    ),
    GroupType.DEPARTMENT: (
        "Finance", "Human resources", "Legal", "Procurement", "Customer support", "Operations",
        "Information security", "Facilities", "Research", "Communications",
    ),
    GroupType.PROJECT: (
        "Project Aurora", "Warehouse move", "Intranet relaunch", "Project Kestrel",
        "Annual audit", "Paperless office", "Project Lighthouse", "Supplier portal",
        "Data centre exit", "Project Marigold",
    ),
    GroupType.COMMUNITY: (
        "Cycling to work", "Book club", "Women in engineering", "Board games", "Green office",
        "Language exchange", "Open source guild", "Running group", "Photography", "Parents",
    ),
}  # fmt: skip

GROUP_DESCRIPTIONS = {
    GroupType.TEAM: "Builds and runs its part of the product.",
    GroupType.DEPARTMENT: "A department of the company, with its records.",
    GroupType.PROJECT: "Ends when its goal is reached; files stay here.",
    GroupType.COMMUNITY: "Open to whoever is interested.",
}

GROUP_TAGS = (
    "internal", "remote", "hybrid", "europe", "americas", "asia", "africa", "hiring", "archive",
    "confidential",
)  # fmt: skip

ITEM_NAMES = {
    ItemKind.NOTE: (
        "Notes from the {subject} meeting", "Ideas for {subject}", "Questions about {subject}",
        "What we learnt from {subject}", "Call with the {subject} people", "Reading on {subject}",
    ),
    ItemKind.DOCUMENT: (
        "{subject} handbook", "{subject} contract", "Report: {subject}", "Policy on {subject}",
        "{subject} budget", "Presentation: {subject}",
    ),
    ItemKind.TASK: (
        "Review {subject}", "Prepare {subject}", "Fix the {subject} checklist",
        "Book a room for {subject}", "Answer the auditors about {subject}", "Archive {subject}",
    ),
    ItemKind.ASSET: (
        "Laptop for {subject}", "Projector ({subject})", "Phone for {subject}",
        "Licence: {subject}", "Van for {subject}", "Label printer, {subject}",
    ),
}  # fmt: skip

SUBJECTS = (
    "quarterly planning", "supplier onboarding", "data retention", "the Lisbon office",
    "travel expenses", "fire safety", "customer interviews", "the new price list",
    "incident response", "parental leave", "network upgrade", "trade fair", "GDPR requests",
    "release 4.2", "year-end closing", "stock-taking", "accessibility", "apprentice training",
    "résumé screening", "São Paulo logistics", "Zürich lease", "machine maintenance",
    "password hygiene", "the canteen", "brand guidelines", "vendor risk", "backup tests",
    "the data lake", "invoice scanning", "shift rota",
)  # fmt: skip

ITEM_DESCRIPTIONS = (
    "",
    "",
    "Draft, not agreed yet.",
    "Agreed with everybody concerned; do not change without asking.",
    "Moved here from the shared drive.",
    "See the data for numbers and dates.",
    "Kept for the auditors.\n\nRetention: ten years.",
    "Replaces the version of last year.",
)

ITEM_TAGS = (
    "urgent", "draft", "final", "customer", "internal", "finance", "legal", "2025", "2026",
    "waiting", "recurring", "confidential", "translation", "hardware", "to-archive",
)  # fmt: skip

TOKEN_NAMES = (
    "CI pipeline", "Nightly export", "Laptop", "Dashboard", "Backup script", "Zapier",
    "Monitoring", "Spreadsheet sync",
)  # fmt: skip
