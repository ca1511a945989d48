from truledgr.tests.docs.blocks import all_blocks, blocks_in, is_as_printed

PAGE = """# Page

```bash
ls
```

```text
a…
```

<!-- not run: needs a browser -->
```bash
firefox
```

```python
ls()
```

1. A list:

   ```bash
   if true; then
     pwd
   fi
   ```
"""


def test_blocks_are_read_with_what_they_print_and_why_they_are_not_run():
    first, second, third = blocks_in(PAGE, "page.md")

    assert (first.name, first.text, first.printed) == ("page.md:3", "ls\n", "a…\n")
    assert (second.line, second.reason, second.printed) == (12, "needs a browser", "")
    assert (third.text, third.reason) == ("if true; then\n  pwd\nfi\n", "")


def test_an_ellipsis_stands_for_anything():
    assert is_as_printed("a…\nb\n", "a and more\nthan that\nb\n")
    assert not is_as_printed("a…\nb\n", "b\n")
    assert not is_as_printed("a.c", "abc")


def test_what_is_not_run_has_a_reason():
    left_out = [block for block in all_blocks() if block.reason]

    assert left_out
    assert not [block.name for block in left_out if len(block.reason.split()) < 2]
