"""docs/reference/audit-actions.md: what the trail can say."""

from __future__ import annotations

from django.apps import apps

from core.audit import REDACTED, spec_of
from core.security_events import Kind
from truledgr.reference.actions import SECTIONS
from truledgr.reference.markdown import code, codes, page, sentence, table

INTRODUCTION = (
    "Every event says who (`actor`, and `on_behalf_of` when staff acted as somebody), when, "
    "through which door (`via`: API, admin, command, task or page), in which session and request, "
    "from which address, to which object (`app.model:key` and its label), and in `changes` what "
    "each audited field was before and is now. [The audit trail](../developer/audit.md) says who "
    "reads it."
)
OF_KINDS = (
    "`changes` name the route, the method, the reason and the status; "
    "[Logging](../developer/logging.md#security-events) says how many are written."
)
OF_FIELDS = (
    f"Only these columns stand in `changes`. Of those marked *hidden*, `{REDACTED}` stands for the "
    "value."
)


def audit_actions_page() -> str:
    parts = [INTRODUCTION]
    for section, actions in SECTIONS.items():
        rows = [(code(action), says) for action, says in sorted(actions.items())]
        parts += [f"## {section}", table(("action", "when it is recorded"), rows)]
    kinds = [(code(kind.value), sentence(str(kind.label))) for kind in Kind]
    parts += [
        "## Refusals, attacks and errors",
        OF_KINDS,
        table(("action", "when it is recorded"), kinds),
        "## Audited fields",
        OF_FIELDS,
        table(("model", "fields"), _models()),
    ]
    return page("Actions of the audit trail", *parts)


def _models() -> list[tuple[str, str]]:
    rows = []
    for model in apps.get_models():
        if spec := spec_of(model):
            shown = [name for name in spec.fields if name not in spec.redacted]
            hidden = [f"{code(name)} (*hidden*)" for name in spec.redacted]
            rows.append((code(model._meta.label_lower), ", ".join([codes(shown), *hidden])))
    return sorted(rows)
