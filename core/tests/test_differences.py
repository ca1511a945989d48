"""Where two texts differ, down to the words."""

from core.differences import MOST_COMPARED, diff_of, lines_of, paths_between


def shown(before, after):
    """The lines of a diff; in brackets, what differs."""
    return [
        "".join(f"[{text}]" if differs else text for text, differs in line.parts)
        for line in lines_of(diff_of(before, after))
        if line.kind != "place"
    ]


def test_in_a_line_that_was_changed_the_words_are_marked():
    assert shown("one\nthe old boat\nlast", "one\nthe new boat\nlast") == [
        " one", "-the [old] boat", "+the [new] boat", " last",
    ]  # fmt: skip


def test_lines_that_have_little_in_common_are_replaced_as_a_whole():
    assert shown("a b c", "something else entirely") == ["-a b c", "+something else entirely"]


def test_lines_that_come_and_go_alone_have_no_counterpart():
    assert shown("one\ntwo", "one") == [" one", "-two"]
    assert shown("", "one\ntwo") == ["+one", "+two"]
    assert shown("one two\nthree", "one 2") == ["-one [two]", "-three", "+one [2]"]


def test_a_line_of_very_many_words_is_not_compared_word_by_word():
    words = int(MOST_COMPARED**0.5)
    before, after = "a " * words, "a " * words + "b"

    assert shown(before, after) == [f"-{before}", f"+{after}"]


def test_nothing_differs():
    assert lines_of(diff_of("same", "same")) == []
    assert [*paths_between({"a": [1]}, {"a": [1]})] == []
