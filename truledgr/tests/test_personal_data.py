"""Every table that holds something about people says what an export and a deletion do with it."""

import re

import pytest
from django.apps import apps
from django.db import models

from core import audit
from core.personal_data import Apply, Delete, Keep, declarations
from users.models import User

DECLARED = declarations()
EXPORTED = [declared for declared in DECLARED if declared.fields]
MODELS = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
# Columns that are personal wherever they stand, whether or not a key leads to somebody.
PERSONAL = re.compile(r"(^|_)(name|email|ip|user_agent|username|address|city|uid|args|data)(_|$)")
# Tables with such a column, or a key to a person's row, that are not declared: say why.
NOT_ABOUT_PEOPLE = {
    "auth.Group": "not used: groups and roles are tables of our own",
    "auth.Permission": "names what may be done",
    "authorization.Role": "names what may be done",
    "socialaccount.SocialApp": "not used: providers come from the environment",
    "account.EmailConfirmation": "not used: codes live in the session; goes with its address",
    "socialaccount.SocialToken": "not used (STORE_TOKENS is off); goes with its account",
    "django_otp_webauthn.WebAuthnAttestation": "goes with its passkey",
    "django_tasks_database.DBTaskResult": (
        "mails that wait, encrypted; gone once sent, emptied once given up, within a day"
    ),
    "schematools.MigrationHash": "names migrations",
}
SECRET = re.compile(
    r"secret|hash|key|password|token$|salt|^codes$|handle|credential_id|fingerprint"
)
ids = {"ids": lambda one: getattr(one, "name", None) or one._meta.label}


def keys_to_people(model):
    return {f.name for f in model._meta.concrete_fields if f.related_model is User}


@pytest.mark.parametrize("model", MODELS, **ids)
def test_a_table_about_people_is_declared_or_says_why_not(model):
    declared = [one for one in DECLARED if one.model is model]
    covered = {name for one in declared for name in one.through}
    personal = {f.name for f in model._meta.concrete_fields if PERSONAL.search(f.name)}

    assert keys_to_people(model) <= covered
    if personal and not declared:
        assert NOT_ABOUT_PEOPLE.get(model._meta.label), personal


def test_the_list_of_tables_that_are_not_about_people_is_not_longer_than_needed():
    labels = {model._meta.label for model in MODELS}

    assert NOT_ABOUT_PEOPLE.keys() <= labels
    assert not NOT_ABOUT_PEOPLE.keys() & {one.model._meta.label for one in DECLARED}


@pytest.mark.parametrize("declared", EXPORTED, **ids)
def test_an_export_names_only_columns_that_there_are_and_no_secret(declared):
    spec = audit.spec_of(declared.model)
    redacted = set(spec.redacted) if spec else set()
    for path in declared.fields:
        model = declared.model
        for name in path.split("__"):
            column = model._meta.get_field(name)
            model = column.related_model
        assert not SECRET.search(path), path
        assert path not in redacted
        assert path not in {"session_data", "trust_secret_hash", "codes"}


@pytest.mark.parametrize("declared", EXPORTED, **ids)
def test_no_export_of_a_row_names_another_person_by_key(declared):
    others = keys_to_people(declared.model) & set(declared.fields)

    assert others <= ({"actor"} if declared.reads else set())


@pytest.mark.parametrize("declared", DECLARED, **ids)
def test_every_declaration_says_what_it_is_for_and_what_becomes_of_it(declared):
    assert len(str(declared.says)) > 10
    assert isinstance(declared.closing, Apply | Delete | Keep)
    assert getattr(declared.closing, "why", "-")
    assert getattr(declared.closing, "what", "-")


@pytest.mark.parametrize("model", MODELS, **ids)
def test_every_personal_column_of_a_declared_table_is_exported_or_named_here(model):
    """What is left out of an export is left out on purpose."""
    exported = {name for one in DECLARED if one.model is model for name in one.fields}
    if not exported:
        return
    left_out = {
        f.name
        for f in model._meta.concrete_fields
        if PERSONAL.search(f.name) and f.name not in exported
    }

    spec = audit.spec_of(model)
    assert left_out <= {"session_data", *(spec.redacted if spec else ())}, left_out


def test_names_are_files_and_come_once():
    names = [declared.name for declared in DECLARED]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)


def test_a_foreign_key_of_our_own_models_cascades_or_is_declared():
    """What cascades from a user is declared, so that nothing is left for a later hard delete."""
    cascading = {
        relation.related_model
        for relation in User._meta.related_objects
        if relation.on_delete is models.CASCADE
    }

    assert cascading <= {declared.model for declared in DECLARED}
