"""Reads the text of SQLite's ``CREATE TABLE`` and ``CREATE INDEX``.

Checks, collations, generated columns, deferrability and the names of constraints stand nowhere
else in a database. Only text that SQLite has accepted is read, so nothing is checked. Expressions
come back in one spelling whatever their blanks, comments and quotes, as a rebuilt table is written
anew.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

# What SQLite takes for a blank or a letter: all that is not ASCII belongs to names.
_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\n\f\r]+|--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<text>[xX]?'(?:[^']|'')*')
    |(?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    |(?P<word>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
    |(?P<number>0[xX][0-9a-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)
    |(?P<sign>\|\||->>?|<<|>>|<=|>=|<>|!=|==|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*\Z")
_TABLE_CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})
# Words that a parenthesis after them does not make a function of.
_OPERATORS = frozenset(
    {"AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "GLOB", "REGEXP", "MATCH", "IS", "ISNULL"}
    | {"NOTNULL", "NULL", "CASE", "WHEN", "THEN", "ELSE", "END", "AS", "EXISTS", "COLLATE"}
    | {"ESCAPE", "FILTER", "OVER", "DISTINCT", "FROM"}
)


class Token(NamedTuple):
    kind: str
    source: str

    @property
    def keyword(self) -> str:
        """The word or sign in capitals; empty for quoted names and literals."""
        return self.source.upper() if self.kind in {"word", "sign"} else ""

    @property
    def value(self) -> str:
        """The name that stands here, without its quotes."""
        if self.kind not in {"name", "text"}:
            return self.source
        quote = self.source[-1]
        inner = self.source[1:-1]
        return inner if quote == "]" else inner.replace(quote * 2, quote)


Tokens = Sequence[Token]


@dataclass(frozen=True, slots=True)
class ColumnText:
    """What only the text says about a column."""

    name: str
    collation: str = ""
    generated: str = ""


@dataclass(frozen=True, slots=True)
class KeyText:
    """A primary key or unique constraint; ``columns`` are names alone, ``parts`` as in SQL."""

    kind: Literal["primary key", "unique"]
    name: str
    columns: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckText:
    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class ForeignKeyText:
    name: str
    columns: tuple[str, ...]
    deferrable: str = ""


@dataclass(slots=True)
class TableText:
    """A ``CREATE TABLE``, everything in the order of the text."""

    columns: list[ColumnText] = field(default_factory=list)
    keys: list[KeyText] = field(default_factory=list)
    checks: list[CheckText] = field(default_factory=list)
    foreign_keys: list[ForeignKeyText] = field(default_factory=list)
    options: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class IndexText:
    parts: tuple[str, ...]
    condition: str = ""


def tokenize(sql: str) -> list[Token]:
    """Return the tokens without blanks and comments."""
    return [
        Token(match.lastgroup or "", match[0])
        for match in _TOKEN.finditer(sql)
        if match.lastgroup != "blank"
    ]


def parse_table(sql: str) -> TableText:
    """Read a ``CREATE TABLE``; one without a list of columns has nothing to tell."""
    tokens = tokenize(sql)
    start = _position(tokens, "(")
    end = _closing(tokens, start)
    items = list(_split(tokens[start + 1 : end]))
    is_constraint = [bool(item) and item[0].keyword in _TABLE_CONSTRAINTS for item in items]
    pairs = list(zip(items, is_constraint, strict=True))
    names = {item[0].value for item, constraint in pairs if item and not constraint}
    table = TableText()
    for item, constraint in pairs:
        if constraint:
            _Reader(item, table, names).read()
        elif item:
            _Reader(item[1:], table, names, column=item[0].value).read()
    rest = [" ".join(token.keyword for token in item) for item in _split(tokens[end + 1 :])]
    table.options += sorted(filter(None, rest))
    return table


def one_spelling(sql: str) -> str:
    """Return the statement without comments, and with one blank wherever there are any."""
    return " ".join(token.source for token in tokenize(sql)).removesuffix(" ;")


def with_name(sql: str, name: str) -> str:
    """Return a ``CREATE TABLE`` as one for a table of another name."""
    match = next(match for match in _TOKEN.finditer(sql) if match[0] == "(")
    return f"CREATE TABLE {name} {sql[match.start() :]}"


def parse_index(sql: str, columns: Collection[str]) -> IndexText:
    """Read a ``CREATE INDEX`` on a table with these columns."""
    tokens = tokenize(sql)
    start = _position(tokens, "(")
    end = _closing(tokens, start)
    where = tokens[end + 2 :]  # behind the parenthesis and the word WHERE
    return IndexText(
        parts=tuple(_part(item, columns) for item in _split(tokens[start + 1 : end])),
        condition=expression_text(where, columns),
    )


class _Reader:
    """Walks over the constraints of a column, or of the table, and adds them to ``table``."""

    def __init__(
        self, tokens: Tokens, table: TableText, names: Collection[str], *, column: str = ""
    ) -> None:
        self.tokens = tokens
        self.table = table
        self.names = names
        self.column = column
        self.place = 0
        self.name = ""
        self.collation = ""
        self.generated = ""
        self.referring: tuple[str, ...] = (column,)

    def read(self) -> None:
        while self.place < len(self.tokens):
            keyword = self.tokens[self.place].keyword
            self.place += 1
            if step := _STEPS.get(keyword):
                step(self)
            elif keyword == "(":  # of a type, such as in varchar(30)
                self.place = _closing(self.tokens, self.place - 1) + 1
        if self.column:
            self.table.columns.append(ColumnText(self.column, self.collation, self.generated))

    def constraint_name(self) -> None:
        self.name = self._next()

    def check(self) -> None:
        expression = expression_text(self._group(), self.names)
        self.table.checks.append(CheckText(self._take_name(), expression))

    def primary_key(self) -> None:
        self._key("primary key")

    def autoincrement(self) -> None:
        self.table.options.append("AUTOINCREMENT")

    def unique(self) -> None:
        self._key("unique")

    def foreign_key(self) -> None:
        self.place += 1  # the word KEY
        self.referring = tuple(item[0].value for item in _split(self._group()))

    def references(self) -> None:
        self._next()
        self._group()
        self.table.foreign_keys.append(ForeignKeyText(self._take_name(), self.referring))

    def deferrable(self) -> None:
        if self._peek(-2) == "NOT" or not self.table.foreign_keys:
            return
        when = "deferred" if self._peek(1) == "DEFERRED" else "immediate"
        key = self.table.foreign_keys.pop()
        self.table.foreign_keys.append(ForeignKeyText(key.name, key.columns, f"initially {when}"))

    def collate(self) -> None:
        self.collation = self._next()

    def generate(self) -> None:
        self.generated = expression_text(self._group(), self.names)
        self._take_name()

    def default(self) -> None:
        """Step over the value, which may be spelt like a constraint."""
        if self._peek(-2) == "SET":  # ON DELETE SET DEFAULT
            return
        if not self._group():
            self.place += 2 if self._peek() in {"+", "-"} else 1
        self._take_name()

    def null(self) -> None:
        self._take_name()

    def _key(self, kind: Literal["primary key", "unique"]) -> None:
        if kind == "primary key":
            self.place += 1  # the word KEY
        if items := list(_split(self._group())):
            columns = tuple(item[0].value for item in items)
            parts = tuple(_part(item, self.names) for item in items)
        else:
            columns = parts = (self.column,)
        self.table.keys.append(KeyText(kind, self._take_name(), columns, parts))

    def _next(self) -> str:
        self.place += 1
        return self.tokens[self.place - 1].value if self.place <= len(self.tokens) else ""

    def _group(self) -> Tokens:
        """Step over the parentheses that start here, if any, and return what is in them."""
        if self._peek() != "(":
            return ()
        start, self.place = self.place, _closing(self.tokens, self.place) + 1
        return self.tokens[start + 1 : self.place - 1]

    def _peek(self, offset: int = 0) -> str:
        place = self.place + offset
        return self.tokens[place].keyword if 0 <= place < len(self.tokens) else ""

    def _take_name(self) -> str:
        name, self.name = self.name, ""
        return name


_STEPS = {
    "CONSTRAINT": _Reader.constraint_name,
    "CHECK": _Reader.check,
    "PRIMARY": _Reader.primary_key,
    "AUTOINCREMENT": _Reader.autoincrement,
    "UNIQUE": _Reader.unique,
    "FOREIGN": _Reader.foreign_key,
    "REFERENCES": _Reader.references,
    "DEFERRABLE": _Reader.deferrable,
    "COLLATE": _Reader.collate,
    "AS": _Reader.generate,
    "DEFAULT": _Reader.default,
    "NULL": _Reader.null,
}


# Tokens


def _position(tokens: Tokens, sign: str) -> int:
    """Return where the sign stands first; the end where it does not."""
    return next((place for place, token in enumerate(tokens) if token.keyword == sign), len(tokens))


def _closing(tokens: Tokens, start: int) -> int:
    """Return where the parenthesis that opens at ``start`` is closed."""
    depth = 0
    for place in range(start, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[place].keyword, 0)
        if depth == 0:
            return place
    return len(tokens)


def _split(tokens: Tokens) -> Iterator[Tokens]:
    """Yield what stands between the commas that are in no parentheses."""
    depth, start = 0, 0
    for place, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.keyword, 0)
        if token.keyword == "," and depth == 0:
            yield tokens[start:place]
            start = place + 1
    if tokens:
        yield tokens[start:]


# Spelling


def _part(tokens: Tokens, columns: Collection[str]) -> str:
    """Return a column of an index as in SQL; the name of a column stands there bare."""
    order = tokens[-1].keyword
    if order in {"ASC", "DESC"}:
        tokens = tokens[:-1]
    first, *rest = tokens
    if not rest or rest[0].keyword == "COLLATE":
        text = " ".join((first.value, *(token.value for token in rest)))
    else:
        text = expression_text(tokens, columns)
    return f"{text} DESC" if order == "DESC" else text


def expression_text(tokens: Tokens, columns: Collection[str]) -> str:
    """Return an expression in one spelling, without parentheses around all of it.

    Plain names of columns lose their quotes. Others keep them, since SQLite takes a quoted name
    that is no column's for a text.
    """
    while len(tokens) > 1 and tokens[0].keyword == "(" and _closing(tokens, 0) == len(tokens) - 1:
        tokens = tokens[1:-1]
    written = ""
    before = Token("", "")
    is_unary = True
    for token in tokens:
        if written and not _is_tight(before, token, is_unary=is_unary):
            written += " "
        written += _spelling(token, columns)
        is_unary = token.keyword in {"-", "+", "~"} and not _is_operand(before)
        before = token
    return written


def _is_operand(token: Token) -> bool:
    if token.kind == "sign":
        return token.source == ")"
    return bool(token.kind) and token.keyword not in _OPERATORS - {"NULL", "END"}


def _is_tight(before: Token, token: Token, *, is_unary: bool) -> bool:
    """Tell whether no blank stands between the two; ``is_unary`` speaks of the first."""
    if is_unary or before.keyword in {"(", "."} or token.keyword in {")", ",", "."}:
        return True
    is_function = before.kind in {"word", "name"} and before.keyword not in _OPERATORS
    return token.keyword == "(" and is_function


def _spelling(token: Token, columns: Collection[str]) -> str:
    if token.kind != "name":
        return token.source
    if token.value in columns and _PLAIN.match(token.value):
        return token.value
    return '"' + token.value.replace('"', '""') + '"'
