"""The command from end to end, in processes of its own, on a project that is awkward to draw."""

import pytest

COMMAND = "generate_erd"
PAGES = ["README.md", "billing-erd.md", "sales-view.md", "shop-erd.md"]


def read_all(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_every_page_is_written_and_a_second_run_writes_nothing(run_project, tmp_path):
    first = run_project(COMMAND)
    written = read_all(tmp_path / "docs")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "docs").iterdir()}
    second = run_project(COMMAND)

    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines() == [f"Wrote docs/{name}" for name in PAGES]
    assert (second.returncode, second.stdout) == (0, "Everything is up to date.\n")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "docs").iterdir()} == times
    assert all(text.endswith(b"\n") and not text.endswith(b"\n\n") for text in written.values())
    assert not any(str(tmp_path).encode() in text for text in written.values())


def test_pages_are_the_same_on_any_engine_language_and_machine(run_project, tmp_path):
    run_project(COMMAND, PYTHONHASHSEED="1")

    check = run_project(
        COMMAND,
        "--check",
        PYTHONHASHSEED="2",
        PROJECT_ENGINE="postgresql",
        PROJECT_HOST="/nowhere",
        PROJECT_LANGUAGE="de",
        LC_ALL="C",
        TZ="Asia/Kathmandu",
    )

    assert (check.returncode, check.stderr, check.stdout) == (0, "", "Everything is up to date.\n")


def test_check_names_what_is_stale_missing_or_orphaned_and_writes_nothing(run_project, tmp_path):
    run_project(COMMAND)
    docs = tmp_path / "docs"
    page = docs / "shop-erd.md"
    page.write_text(page.read_text().replace("An order.", "An oder."))
    (docs / "billing-erd.md").rename(docs / "old-erd.md")
    (docs / "notes.md").write_text("# Notes of our own\n")
    before = read_all(docs)

    check = run_project(COMMAND, "--check")

    assert check.returncode == 1
    assert "missing: docs/billing-erd.md\n" in check.stdout
    assert "orphaned: docs/old-erd.md\n" in check.stdout
    assert "stale: docs/shop-erd.md\n" in check.stdout
    assert "    -An oder.\n    +An order.\n" in check.stdout
    assert "notes" not in check.stdout
    assert check.stderr == (
        "3 files are not what the schema says. Run 'python manage.py generate_erd'.\n"
    )
    assert read_all(docs) == before

    mend = run_project(COMMAND)

    assert mend.stdout.splitlines() == [
        "Wrote docs/billing-erd.md",
        "Removed docs/old-erd.md",
        "Updated docs/shop-erd.md",
    ]
    assert run_project(COMMAND, "--check").returncode == 0
    assert (docs / "notes.md").exists()


def test_one_module_alone_is_written(run_project, tmp_path):
    run = run_project(COMMAND, "--module", "billing", "--output", str(tmp_path / "out"))

    assert run.stdout == "Wrote out/billing-erd.md\n"

    (tmp_path / "out/billing-erd.md").unlink()
    check = run_project(
        COMMAND, "--module", "billing", "--output", str(tmp_path / "out"), "--check"
    )

    assert check.returncode == 1
    assert f"generate_erd --module billing --output {tmp_path}/out'." in check.stderr


@pytest.mark.usefixtures("graphviz")
@pytest.mark.parametrize(
    ("file_format", "start"), [("mermaid", "erDiagram\n"), ("dot", "digraph"), ("svg", "<svg")]
)
def test_a_diagram_is_printed(run_project, tmp_path, file_format, start):
    run = run_project(COMMAND, "--module", "billing", "--format", file_format)

    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(start)
    assert "billing_invoice" in run.stdout
    assert list(tmp_path.iterdir()) == []


def test_several_modules_are_printed_as_one_diagram(run_project):
    run = run_project(COMMAND, "--module", "billing", "--module", "shop", "--format", "mermaid")

    assert run.stdout.count("erDiagram") == 1
    assert '"shop_order" ||--o| "billing_invoice" : "order (PROTECT)"' in run.stdout


def test_diagrams_are_written_to_files_and_checked(run_project, tmp_path):
    arguments = (COMMAND, "--format", "mermaid", "--output", str(tmp_path / "out"))

    run = run_project(*arguments)
    (tmp_path / "out/old-erd.mmd").write_bytes((tmp_path / "out/shop-erd.mmd").read_bytes())
    check = run_project(*arguments, "--check")

    assert run.stdout == "Wrote out/billing-erd.mmd\nWrote out/shop-erd.mmd\n"
    assert check.returncode == 1
    assert "orphaned: out/old-erd.mmd\n" in check.stdout
    assert "missing" not in check.stdout
    assert "stale" not in check.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--module", "shopp"], "There is no module 'shopp'. Did you mean 'shop'?"),
        (["--module", "xyz"], "There is no module 'xyz'. Known: billing, shop."),
        (["--output", "/dev/null/docs"], "cannot be written"),
        (["--format", "dot", "--check"], "--check of dot needs --output as well."),
        (["--format", "pdf"], "invalid choice: 'pdf'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(run_project, arguments, sentence):
    run = run_project(COMMAND, *arguments)

    assert run.returncode == 2
    assert sentence in run.stderr
    assert "Traceback" not in run.stderr


def test_a_page_in_the_place_of_one_that_somebody_wrote_is_refused(run_project, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/README.md").write_text("# Mine\n")

    run = run_project(COMMAND)

    assert run.returncode == 2
    assert "README.md was not generated by this command and is left alone" in run.stderr
    assert read_all(tmp_path / "docs") == {"README.md": b"# Mine\n"}


def test_missing_programs_are_named(run_project):
    run = run_project(COMMAND, "--module", "billing", "--format", "svg", PATH="/nowhere")

    assert run.returncode == 2
    assert "install Graphviz" in run.stderr


def test_help_shows_examples(run_project):
    run = run_project(COMMAND, "--help")

    assert "manage.py generate_erd --module users --format mermaid\n" in run.stdout
    assert "Exit codes:\n  0    written" in run.stdout
