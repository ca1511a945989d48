"""Compares the foreign keys of a table, whatever their constraints are called."""

from collections.abc import Hashable, Iterator

from schematools.diff_keys import matched
from schematools.findings import Finding
from schematools.mending import Mender
from schematools.model import ForeignKey, Table


def reference_findings(
    wanted: Table, actual: Table, *, exact: bool, mender: Mender
) -> Iterator[Finding]:
    same, changed, missing, extra = matched(
        wanted.foreign_keys,
        actual.foreign_keys,
        content=_content,
        name=lambda key: "",  # noqa: ARG005 (no name is promised)
        near=lambda key: key.columns,
    )
    for before, after in same:
        if before.valid and not after.valid:
            yield Finding(
                "constraint-not-valid",
                _full_name(wanted, after),
                expected="a foreign key that all rows keep",
                found="NOT VALID: rows that were there before were never checked",
                remedy=mender.validate(wanted, after.constraint),
            )
    for before, after in changed:
        yield Finding(
            "foreign-key-differs",
            _full_name(wanted, before),
            expected=described(before),
            found=described(after),
            remedy=mender.replace_reference(wanted, actual, before, after),
        )
    for key in missing:
        yield Finding(
            "foreign-key-missing",
            _full_name(wanted, key),
            expected=described(key),
            found="none",
            remedy=mender.add_reference(wanted, actual, key),
        )
    for key in extra if exact else ():
        yield Finding(
            "foreign-key-extra",
            _full_name(wanted, key),
            expected="no such foreign key",
            found=described(key),
            remedy=mender.drop_reference(wanted, actual, key),
        )


def described(key: ForeignKey) -> str:
    """Return in words what a foreign key does."""
    usual = {"", "NO ACTION"}
    parts = [
        f"a reference to {key.target} ({', '.join(key.target_columns)})",
        f"on delete {key.on_delete}" if key.on_delete not in usual else "",
        f"on update {key.on_update}" if key.on_update not in usual else "",
        f"match {key.match}" if key.match else "",
        key.deferrable or "not deferrable",
        "" if key.enforced else "not enforced",
    ]
    return ", ".join(filter(None, parts))


def _content(key: ForeignKey) -> Hashable:
    return (
        key.columns,
        key.target,
        key.target_columns,
        key.on_delete,
        key.on_update,
        key.match,
        key.deferrable,
        key.enforced,
    )


def _full_name(table: Table, key: ForeignKey) -> str:
    return f"{table.name}.{', '.join(key.columns)}"
