"""What the API is asked about: a database of demo data, and who asks."""

from dataclasses import dataclass
from io import StringIO

from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.db import connection

from authentication.services.api_tokens import create_api_token
from truledgr.demo.sign_in import USERNAME
from truledgr.tests.engines import connect, with_name
from users.models import User

SIZE = {"users": 30, "items": 150}
# Goes through the flows of signing in, so that these cannot take the token's owner anything.
PERSON, PASSWORD = "fuzz_person", "correct horse battery staple"


@dataclass(frozen=True)
class World:
    token: str
    environ: dict[str, str]


def make_world(url: str) -> World:
    """Make the database that ``url`` names, and the people who ask."""
    with connect(with_name(url, "postgres"), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{connection.settings_dict["NAME"]}"')
    call_command("migrate", verbosity=0)
    call_command("seed_demo", force=True, stdout=StringIO(), **SIZE)
    admin = User.objects.get(username=USERNAME)
    token, secret = create_api_token(actor=admin, user=admin, name="fuzzing")
    person = User.objects.create_user(PERSON, f"{PERSON}@example.org", PASSWORD)
    EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    connection.close()
    environ = {
        "API_FUZZ_TOKEN_ID": str(token.pk),
        "API_FUZZ_PERSON": PERSON,
        "API_FUZZ_PASSWORD": PASSWORD,
    }
    return World(secret, environ)
