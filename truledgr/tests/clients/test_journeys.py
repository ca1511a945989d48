"""Clients that are generated from the OpenAPI document do what integrators do, on a real server."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django_otp.oath import TOTP

from authentication import secrets
from authentication.models import TOTP_SECONDS
from authentication.tests.clients import make_app
from authentication.tests.people import PASSWORD, make_user
from items.models import Item
from items.tests.factories import ItemFactory
from truledgr.tests.clients.generating import (
    DOCUMENT,
    HERE,
    NODE,
    PROJECT,
    check_python,
    check_typescript,
    generate,
)
from truledgr.tests.serving import serving
from truledgr.tests.sharing import shared

NAMES = ["Anvil", "Bucket", "Chisel", "Drill", "File", "Gimlet", "Hammer"]
JOURNEYS = {"journey.py": [sys.executable, "-W", "error"], "journey.ts": [str(NODE)]}
TOLD = """\
Signed in: {username}
Items: {items}
Created once: {true} 1
Changed after a conflict: Long ladder garage 3
No such item: not_found
Bad field: name blank
Signed out: authentication_failed
"""


@pytest.fixture(scope="session")
def workshop(tmp_path_factory, document):
    """A directory with both clients, and the programs that use them."""

    def make():
        directory = tmp_path_factory.mktemp("workshop")
        (directory / DOCUMENT).write_text(json.dumps(document))
        generate(directory)
        (directory / "package.json").write_text('{"type": "module"}')
        for program in JOURNEYS:
            shutil.copy(HERE / program, directory)
        return json.dumps(str(directory))

    return Path(shared("workshop", tmp_path_factory, make))


def test_generated_clients_compile(workshop):
    check_python(workshop)
    check_typescript(workshop, "journey.ts")


@pytest.mark.django_db(transaction=True)
def test_generated_clients_make_the_whole_journey(workshop):
    people = {program: person(program) for program in JOURNEYS}

    with (
        serving(workshop, DJANGO_SETTINGS_MODULE="truledgr.settings_test") as server,
        ThreadPoolExecutor() as pool,
    ):
        server.wait_until_ready()
        url = f"http://127.0.0.1:{server.port}"
        journeys = {
            program: pool.submit(travel, workshop, program, url, user, app)
            for program, (user, app) in people.items()
        }
        told = {program: journey.result() for program, journey in journeys.items()}

    for program, (user, _app) in people.items():
        names = " ".join(reversed(NAMES))
        true = "True" if program.endswith(".py") else "true"
        assert told[program] == TOLD.format(username=user.username, items=names, true=true)
        assert Item.objects.filter(owner=user).count() == len(NAMES) + 1


def person(program):
    """Somebody with items on three pages, an authenticator app, and a name of the program's."""
    user = make_user(username=program.replace(".", "-"))
    for name in NAMES:
        ItemFactory(owner=user, name=name)
    return user, make_app(user)


def travel(directory, program, url, user, app):
    """What the program tells, which asks for the code of the second factor as it goes."""
    with subprocess.Popen(
        [*JOURNEYS[program], program, url, user.username],
        cwd=directory,
        env={**os.environ, "PASSWORD": PASSWORD},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        asked = process.stdout.read(len("Code: "))
        told, complaints = process.communicate(lasting_code(app) + "\n", timeout=120)
    assert (asked, process.returncode, complaints) == ("Code: ", 0, ""), complaints
    return told


def lasting_code(app):
    """The code of an authenticator app that is good for ten seconds more at least."""
    seconds_left = TOTP_SECONDS - time.time() % TOTP_SECONDS
    if seconds_left < 10:
        time.sleep(seconds_left)
    return f"{TOTP(secrets.totp_key(app.secret), TOTP_SECONDS).token():06d}"


def test_the_guide_quotes_the_programs_as_they_are():
    """Its code follows a comment with the name of a file, or of a part of one."""
    guide = (PROJECT / "docs/api/clients.md").read_text()
    quoted = re.findall(r"<!-- from (\S+?)(?:#(\S+))? -->\n```\w+\n(.*?)```", guide, re.DOTALL)

    assert len(quoted) == guide.count("<!-- from ") >= 10
    for name, part, code in quoted:
        assert code.strip() == part_of((HERE / name).read_text(), part).strip(), (name, part)


def part_of(text, part):
    """What stands between the comments ``part`` and ``end of``; all of it without a part."""
    if not part:
        return text
    return re.search(rf'\W part "{part}"\n(.*?)\n+\W+ end of "{part}"', text, re.DOTALL)[1]
