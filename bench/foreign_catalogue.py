"""The foreign projects, and what it takes to run each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

DJANGO = "django>=5.2,<5.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project and what it takes to run it; ``explained`` differences are no defects.

    A difference is explained by a pattern of its line, ``table: missing fact``. Without
    ``has_migrations`` there is no database that its own ``migrate`` could make.
    """

    requirements: Sequence[str]
    settings: str
    python: tuple[int, int] = (3, 11)
    django: str = DJANGO
    engines: Sequence[str] = ("sqlite", "postgresql")
    extensions: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    has_migrations: bool = True
    language: str = "de"  # of the second time
    explained: Mapping[str, str] = field(default_factory=dict)


ZOO = (
    *("django-polymorphic==4.11.7", "django-mptt==0.16.0", "django-guardian==3.5.2"),
    *("django-taggit==6.1.0", "django-simple-history==3.13.0", "django-reversion==6.4.0"),
    *("django-celery-beat==2.9.0", "django-celery-results==2.6.0"),
    *("django-allauth[socialaccount,mfa]==65.21.1", "django-oauth-toolkit==3.4.1"),
    *("easy-thumbnails==2.10.1", "django-parler==2.4", "django-modeltranslation==0.20.6"),
    *("django-money==3.6.2", "django-phonenumber-field[phonenumberslite]==9.0.0"),
    *("django-countries==9.1.0", "django-timezone-field==7.2.2", "django-auditlog==3.4.1"),
    *("django-axes==8.3.1", "django-otp==1.7.5", "django-constance==4.4.0"),
    *("django-waffle==5.0.0", "django-cities-light==3.11", "django-ledger==0.8.5"),
    *("wiki==0.13.0", "django-filer==3.6.0", "django-treebeard==7.0.3", "qrcode==8.2"),
)
# A model's integer primary key that is no AutoField is filled in by SQLite all the same.
ROW_NUMBER = {
    "customuser_customuser: (missing|invented) column identifier integer( IDENTITY)?": "the row's"
}
PROJECTS: Mapping[str, Project] = {
    "bare": Project(requirements=(), settings="settings_bare"),
    "wagtail": Project(
        requirements=("wagtail==8.0.1",),
        settings="settings_wagtail",
        explained=ROW_NUMBER,
    ),
    "wagtail-django6": Project(
        requirements=("wagtail==8.0.1",),
        settings="settings_wagtail",
        explained=ROW_NUMBER,
        python=(3, 12),
        django="django>=6.0,<6.1",
    ),
    "oscar": Project(
        requirements=("django-oscar==4.2.1", "sorl-thumbnail==12.11.0"),
        settings="settings_oscar",
    ),
    "zoo": Project(requirements=ZOO, settings="settings_zoo", has_migrations=False),
    "pretix": Project(
        requirements=("pretix==2026.8.0",),
        settings="settings_pretix",
        language="en",  # a default is LANGUAGE_CODE, and a model translates when it is imported
        explained={"pretixbase_devicelastseen: missing index .* brin": "its index skips SQLite"},
    ),
    "nautobot": Project(
        requirements=("nautobot==3.2.7",),
        settings="settings_nautobot",
    ),
}
