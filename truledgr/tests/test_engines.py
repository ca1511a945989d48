import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from environ import Env

from truledgr.tests.engines import (
    Answer,
    choose,
    in_words,
    local_candidates,
    place_of,
    redirecting,
    with_name,
)
from truledgr.tests.postgres import (
    PROJECT,
    ServerError,
    socket_url,
    temporary_server,
)

GIVEN = "postgres://ann:secret@db.example:6543/ledger?sslmode=require"
MINE = "postgres://ann@127.0.0.1:5432/postgres"
THEIRS = "postgres://postgres@127.0.0.1:5432/postgres"
SOCKET = "postgres://ann@:5432/postgres?host=/run/postgresql"


def choose_among(answers, **environ):
    return choose(environ=environ, candidates=[MINE, THEIRS], ask=answers.__getitem__)


def test_a_server_given_by_hand_is_used_without_looking_for_others():
    choice = choose_among({GIVEN: Answer(version="17.1")}, TEST_DATABASE_URL=GIVEN)

    assert (choice.url, choice.version) == (GIVEN, "17.1")
    assert choice.where == "TEST_DATABASE_URL, db.example:6543"


def test_a_server_given_by_hand_that_refuses_is_an_error_and_not_replaced():
    answers = {GIVEN: Answer(refusal="no connection"), MINE: Answer(version="17.1")}

    with pytest.raises(ServerError, match="TEST_DATABASE_URL: no connection"):
        choose_among(answers, TEST_DATABASE_URL=GIVEN)


def test_the_first_local_server_that_agrees_is_used_and_the_refusals_are_told():
    answers = {MINE: Answer(refusal="no such role"), THEIRS: Answer(version="15.20")}

    choice = choose_among(answers)

    assert choice.url == THEIRS
    assert choice.where == "server at 127.0.0.1:5432"
    assert choice.passed_over == ("127.0.0.1:5432 as ann: no such role",)


def test_a_temporary_server_is_started_when_no_local_one_agrees():
    refusal = Answer(refusal="no connection")

    choice = choose_among({MINE: refusal, THEIRS: refusal})

    assert choice.url == ""
    assert len(choice.passed_over) == 2


def test_embedded_asks_no_local_server():
    choice = choose_among({}, TEST_POSTGRES="embedded")

    assert choice.url == ""


def test_local_never_falls_back_to_a_temporary_server():
    refusal = Answer(refusal="no connection")

    with pytest.raises(ServerError, match="no local server will do"):
        choose_among({MINE: refusal, THEIRS: refusal}, TEST_POSTGRES="local")


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"TEST_POSTGRES": "docker"}, "TEST_POSTGRES is 'docker'"),
        ({"TEST_POSTGRES": "local", "TEST_DATABASE_URL": GIVEN}, "not both"),
    ],
)
def test_an_environment_that_makes_no_sense_is_refused(environ, message):
    with pytest.raises(ServerError, match=message):
        choose_among({}, **environ)


def test_local_candidates_try_each_place_as_the_current_user_first():
    urls = local_candidates(user="ann", socket_directories=["/run/postgresql"])

    assert urls[:3] == [MINE, THEIRS, SOCKET]
    assert len(urls) == 4


@pytest.mark.parametrize(
    ("url", "place"),
    [(GIVEN, "db.example:6543"), (MINE, "127.0.0.1:5432"), (SOCKET, "/run/postgresql")],
)
def test_a_place_shows_neither_user_nor_password(url, place):
    assert place_of(url) == place


def test_another_database_name_keeps_the_rest_of_the_url():
    assert with_name(GIVEN, "x") == "postgres://ann:secret@db.example:6543/x?sslmode=require"
    assert with_name(SOCKET, "x") == "postgres://ann@:5432/x?host=/run/postgresql"


def test_a_socket_url_means_the_same_to_django_and_to_libpq():
    url = socket_url("/tmp/with space", user="ann", name="ledger")  # noqa: S108

    django = Env.db_url_config(url)
    libpq = psycopg.conninfo.conninfo_to_dict(url)

    assert (django["HOST"], django["OPTIONS"]["host"]) == ("", "/tmp/with space")  # noqa: S108
    assert (django["USER"], django["PORT"], django["NAME"]) == ("ann", 5432, "ledger")
    assert libpq == {
        "user": "ann",
        "port": "5432",
        "dbname": "ledger",
        "host": "/tmp/with space",  # noqa: S108
    }


@pytest.mark.parametrize(
    ("counts", "code", "words"),
    [
        ({"passed": 512}, 0, "512 passed"),
        ({"passed": 5, "skipped": 1, "failed": 2}, 1, "2 failed, 5 passed, 1 skipped"),
        ({"passed": 5}, 3, "5 passed, but pytest ended with code 3"),
        ({}, 5, "no tests ran, but pytest ended with code 5"),
    ],
)
def test_the_closing_line_hides_nothing(counts, code, words):
    assert in_words(counts, code=code) == words


def test_only_a_server_given_by_hand_keeps_the_secrets_of_the_environment():
    environ = {"PGHOSTADDR": "192.0.2.1", "PGPASSWORD": "secret", "HOME": "/"}

    assert redirecting(environ) == {"PGHOSTADDR", "PGPASSWORD"}
    assert redirecting({**environ, "TEST_DATABASE_URL": GIVEN}) == {"PGHOSTADDR"}


def test_tests_of_one_group_are_run_by_one_worker(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_group.py").write_text(
        "import os, pytest\n"
        "@pytest.mark.parametrize('number', range(8))\n"
        "@pytest.mark.xdist_group('one')\n"
        "def test_it(number):\n"
        "    with open('workers', 'a') as file:\n"
        "        print(os.environ['PYTEST_XDIST_WORKER'], file=file)\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-n2", "--dist", "loadgroup"]

    environ = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run(command, cwd=tmp_path, env=environ, check=True, capture_output=True)

    workers = (tmp_path / "workers").read_text().split()
    assert len(workers) == 8
    assert len(set(workers)) == 1


def test_a_temporary_server_answers_and_leaves_no_process_and_no_file(monkeypatch):
    for name in redirecting(os.environ):
        monkeypatch.delenv(name)

    with temporary_server() as server:
        directory = Path(server.directory)
        with psycopg.connect(server.url) as connection:
            upper = connection.execute("SELECT upper('é'), current_user").fetchone()
        was_there = directory.is_dir() and is_running(server.pid)

    assert upper == ("É", "postgres")
    assert was_there
    assert not directory.exists()
    assert not is_running(server.pid)


def test_a_temporary_server_ends_when_the_process_that_asked_for_it_is_killed():
    script = (
        "from truledgr.tests.postgres import temporary_server\n"
        "with temporary_server() as server:\n"
        "    print(server.pid, server.directory, flush=True)\n"
        "    input()\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=PROJECT, stdin=pipe, stdout=pipe, text=True
    ) as asker:
        pid, directory = asker.stdout.readline().split()
        was_running = is_running(int(pid))
        asker.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 30
    while Path(directory).exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    assert was_running
    assert not Path(directory).exists()
    assert not is_running(int(pid))


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
