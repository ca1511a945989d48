import pytest

from schematools.source_edit import SourceEditError, with_dependencies, without_replaces

NEW = {("shop", "0001_a"): ("shop", "0001_all"), ("shop", "0002_b"): ("shop", "0001_all")}


def migration(body):
    return f"from x import y\n\n\nclass Migration(y.Migration):\n{body}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("    replaces = [('a', 'b')]\n    initial = True\n", "    initial = True\n"),
        (
            (
                "\n    replaces = [\n        ('a', 'b'),  # 1\n        # z\n        ('a', 'c'),\n"
                "    ]  # squashed\n\n    initial = True\n"
            ),
            "\n    initial = True\n",
        ),
        (
            "    a = 1\n\n    replaces = (('a', 'b'),)\n\n\n    # Why.\n    operations = []\n",
            "    a = 1\n\n    # Why.\n    operations = []\n",
        ),
        ("    # About\n    replaces: list = []\n    x = 1\n", "    # About\n    x = 1\n"),
        ("    x = 1\n    replaces = [n for n in NAMES]", "    x = 1\n"),
        ("    replaces = []\r\n\r\n    x = 'é'\r\n", "    x = 'é'\r\n"),
    ],
)
def test_replaces_goes_and_nothing_else_does(before, after):
    assert without_replaces(migration(before)) == migration(after)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("    x = 1; replaces = []\n", "shares its line"),
        ("    replaces = []; x = 1\n", "shares its line"),
        ("    replaces = [1]\n    replaces += [2]\n", "not one plain assignment"),
        ("    a = replaces = []\n    x = 1\n", "not one plain assignment"),
        ("    if 1:\n        replaces = []\n", "not one plain assignment"),
        ("    replaces = []\n    operations = f(replaces)\n", "not one plain assignment"),
        ("    operations = []\n", "not one plain assignment"),
        ("    replaces = []\n", "all that there is"),
    ],
)
def test_replaces_that_cannot_go_by_itself_is_refused(body, reason):
    with pytest.raises(SourceEditError, match=reason):
        without_replaces(migration(body))


def test_a_file_without_the_class_is_refused():
    with pytest.raises(SourceEditError, match="not one class 'Migration'"):
        without_replaces("Migration = make()\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('[("shop", "0002_b")]', '[("shop", "0001_all")]'),
        ("[('shop', '0002_b')]", "[('shop', '0001_all')]"),
        ("(['shop', \"0002_b\"],)", "(['shop', \"0001_all\"],)"),
        (
            (
                '[\n        ("é", "x"),  # first\n        (  # why\n            "shop",\n'
                '            "0002_b",  # that\n        ),\n    ]'
            ),
            (
                '[\n        ("é", "x"),  # first\n        (  # why\n            "shop",\n'
                '            "0001_all",  # that\n        ),\n    ]'
            ),
        ),
        ('["é", ("é", "x"), ("shop", "0002_b")]', '["é", ("é", "x"), ("shop", "0001_all")]'),
        ('[("shop", "0002" "_b"), y.f(X)]', '[("shop", "0001_all"), y.f(X)]'),
        # What would be there twice
        ('[("shop", "0001_a"), ("shop", "0002_b")]', '[("shop", "0001_all")]'),
        ('[("shop", "0001_a"), ("shop", "0002_b"), X]', '[("shop", "0001_all"), X]'),
        (
            '[\n        ("shop", "0001_a"),  # one\n        ("shop", "0002_b"),\n    ]',
            '[\n        ("shop", "0001_all"),  # one\n    ]',
        ),
        (
            '[\n        ("shop", "0001_all"),\n        ("shop", "0002_b"),  # two\n    ]',
            '[\n        ("shop", "0001_all"),\n        # two\n    ]',
        ),
        # What is computed, or something else
        ("names()", "names()"),
        ('[("shop", NAME), ("other", "0002_b")]', '[("shop", NAME), ("other", "0002_b")]'),
        ('[("shop", f"0002_b")]', '[("shop", f"0002_b")]'),
    ],
)
@pytest.mark.parametrize("name", ["dependencies", "run_before", "dependencies: list"])
def test_names_change_and_nothing_else_does(name, before, after):
    source = migration(f"    {name} = {before}\n    operations = []\n")

    changed = with_dependencies(source, NEW)

    assert changed == migration(f"    {name} = {after}\n    operations = []\n")


def test_other_apps_and_other_lists_are_left_alone():
    source = migration(
        '    replaces = [("shop", "0001_a")]\n    operations = [("shop", "0001_a")]\n'
    )

    assert with_dependencies(source, NEW) == source
