"""Compares the indexes and constraints of a table: what they do, not what they are called."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from schematools.findings import Finding
from schematools.mending import Mender
from schematools.model import Constraint, Index, Table

Key = Index | Constraint
T = TypeVar("T")
NOTHING = "none"


def key_findings(
    wanted: Table, actual: Table, *, declared: Collection[str], exact: bool, mender: Mender
) -> Iterator[Finding]:
    """Yield how the indexes and constraints differ; ``declared`` names have to be right too."""
    same, changed, missing, extra = matched(
        _keys(wanted), _keys(actual), content=_content, name=lambda key: key.name, near=_columns
    )
    for before, after in same:
        if after.valid != before.valid and not after.valid:
            yield _invalid(wanted, after, mender)
        if before.name in declared and before.name != after.name:
            yield _renamed(wanted, actual, before, after, mender)
    for before, after in changed:
        if not (before.valid and after.valid) and _kind(before) == _kind(after) == "index":
            yield _invalid(wanted, after, mender)
        yield Finding(
            f"{_kind(before)}-differs",
            _full_name(wanted, before),
            expected=described(before),
            found=described(after),
            remedy=mender.replace_key(wanted, actual, before, after),
        )
    for key in missing:
        yield Finding(
            f"{_kind(key)}-missing",
            _full_name(wanted, key),
            expected=described(key),
            found=NOTHING,
            remedy=mender.add_key(wanted, actual, key),
        )
    for key in extra if exact else ():
        if not key.valid and _is_index(key):
            yield _invalid(wanted, key, mender, needed=False)
            continue
        kind = _kind(key)
        yield Finding(
            f"{kind}-extra",
            _full_name(wanted, key),
            expected=f"no such {kind}",
            found=described(key),
            remedy=mender.drop_key(wanted, actual, key),
            severity="warning" if kind == "index" else "error",
        )


def matched(
    wanted: Iterable[T],
    actual: Iterable[T],
    *,
    content: Callable[[T], Hashable],
    name: Callable[[T], str],
    near: Callable[[T], Hashable],
) -> tuple[list[tuple[T, T]], list[tuple[T, T]], list[T], list[T]]:
    """Return the pairs that are the same, those that differ, and what one side alone has.

    What has the same content is the same, by name first. Of the rest, what has the same name or
    is ``near`` is a pair that differs.
    """
    same: list[tuple[T, T]] = []
    changed: list[tuple[T, T]] = []
    missing, extra = list(wanted), list(actual)
    for pairs, key in (
        (same, lambda item: (content(item), name(item))),
        (same, content),
        (changed, lambda item: name(item) or None),
        (changed, near),
    ):
        missing, extra = _take(pairs, missing, extra, key)
    return same, changed, missing, extra


def _take(
    pairs: list[tuple[T, T]],
    missing: Sequence[T],
    extra: Sequence[T],
    key: Callable[[T], Hashable],
) -> tuple[list[T], list[T]]:
    """Move what has the same key from both lists into ``pairs``; a key of nothing matches none."""
    waiting: defaultdict[Hashable, list[T]] = defaultdict(list)
    for item in extra:
        waiting[key(item)].append(item)
    left = []
    taken: set[int] = set()
    for item in missing:
        mark = key(item)
        if mark is not None and waiting[mark]:
            other = waiting[mark].pop(0)
            taken.add(id(other))
            pairs.append((item, other))
        else:
            left.append(item)
    return left, [item for item in extra if id(item) not in taken]


def described(key: Key) -> str:
    """Return in words what an index or a constraint does."""
    if isinstance(key, Constraint) and key.kind == "check":
        return f"check ({key.expression})"
    if isinstance(key, Constraint) and key.kind == "exclusion":
        return f"exclusion using {key.expression}{_where(key)} {key.deferrable}".strip()
    parts = [f"index ({', '.join(key.columns)})"]
    if isinstance(key, Constraint):
        parts = [f"{key.kind} ({', '.join(key.columns)})", key.deferrable]
        parts += [] if key.nulls_distinct else ["NULLS NOT DISTINCT"]
    elif key.method:
        parts.append(f"using {key.method}")
    if key.include:
        parts.append(f"include ({', '.join(key.include)})")
    return " ".join(filter(None, parts)) + _where(key)


def _where(key: Key) -> str:
    return f" where {key.condition}" if key.condition else ""


def _keys(table: Table) -> list[Key]:
    return [*table.constraints, *table.indexes]


def _content(key: Key) -> Hashable:
    # Nobody promised where a foreign index keeps its rows, or that old rows were looked at.
    if isinstance(key, Index):
        return ("index", key.columns, key.method, key.condition, key.include)
    return (
        key.kind,
        key.columns,
        key.expression,
        key.condition,
        key.include,
        key.deferrable,
        key.nulls_distinct,
    )


def _columns(key: Key) -> Hashable:
    """Return what two keys have in common when one is the other, changed; nothing for checks."""
    if isinstance(key, Constraint) and key.kind in {"check", "exclusion", "other"}:
        return None
    return tuple(sorted(part.removesuffix(" DESC") for part in key.columns))


def _kind(key: Key) -> str:
    return "index" if isinstance(key, Index) else "constraint"


def _is_index(key: Key) -> bool:
    return isinstance(key, Index) or key.kind != "check"


def _full_name(table: Table, key: Key) -> str:
    return f"{table.name}.{key.name or ', '.join(key.columns) or key.name or 'check'}"


def _invalid(table: Table, key: Key, mender: Mender, *, needed: bool = True) -> Finding:
    if _is_index(key):
        return Finding(
            "index-invalid",
            _full_name(table, key),
            expected="a complete index" if needed else "no such index",
            found="one that a failed build left INVALID: no query uses it, every write pays for it",
            remedy=mender.reindex(table, key) if needed else mender.drop_invalid(table, key),
        )
    return Finding(
        "constraint-not-valid",
        _full_name(table, key),
        expected="a constraint that all rows keep",
        found="NOT VALID: rows that were there before were never checked",
        remedy=mender.validate(table, key.name),
    )


def _renamed(table: Table, actual: Table, before: Key, after: Key, mender: Mender) -> Finding:
    return Finding(
        f"{_kind(before)}-renamed",
        _full_name(table, before),
        expected=f"the name {before.name}, by which migrations will look for it",
        found=after.name or "no name",
        remedy=mender.rename_key(table, actual, before, after),
        severity="warning",
    )
