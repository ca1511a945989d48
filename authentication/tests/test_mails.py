"""Every mail: its text, its HTML, what it holds and what it never holds."""

import re
from html.parser import HTMLParser
from pathlib import Path

import allauth
import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import transaction

from authentication.mails import Notice, notify
from authentication.mails.addresses import public
from authentication.mails.allauth_mails import NOTIFICATIONS
from authentication.mails.letters import WIDTH
from authentication.mails.wording import ACCOUNT_MAILS, NOTICES
from authentication.tests.mailing import acting, in_request, sent
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

CANARY = "canary-7f3a"
# What allauth can send and this project does not switch on, or sends as a notice.
VALUES = {
    "code": "K7QM-2N4X",
    "password_reset_url": "http://testserver/accounts/password/reset/key/1-2/",
    "signup_url": "http://testserver/accounts/signup/",
    "username": "anna",
}


@pytest.fixture
def anna():
    user = UserFactory(username="anna", email="anna@example.org", timezone="Europe/Lisbon")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def send(name, user):
    """One mail of any name, to ``user``."""
    if name in ACCOUNT_MAILS:
        with in_request():
            get_adapter().send_mail(name, user.email, {**VALUES, "user": user})
        return
    with acting(user):
        notify(user, Notice(name), name="My phone", left=3, url="http://testserver/reset", count=3)


class Outline(HTMLParser):
    """Notes what is open and wrongly closed, and every attribute."""

    VOID = frozenset({"meta", "br", "img", "link", "input", "hr"})

    def __init__(self, html):
        super().__init__()
        self.open, self.wrong, self.tags, self.attributes = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


ALL = [*NOTICES, *ACCOUNT_MAILS]

# --- All of them ----------------------------------------------------------------------------


def test_every_notice_has_words_and_every_word_a_notice():
    assert set(NOTICES) == set(Notice.values)


def test_every_mail_that_allauth_can_send_has_words_here():
    """After an upgrade of allauth, too."""
    root = Path(allauth.__file__).parent / "templates"
    names = {
        str(path.relative_to(root)).removesuffix("_subject.txt")
        for app in ("account", "socialaccount")
        for path in (root / app / "email").glob("*_subject.txt")
    }

    assert names == set(ACCOUNT_MAILS) | set(NOTIFICATIONS)


@pytest.mark.parametrize("name", ALL)
def test_every_mail_has_a_text_and_the_same_as_html(name, anna):
    send(name, anna)

    text, html = sent()
    words = (NOTICES | ACCOUNT_MAILS)[name]
    flat = " ".join(text.split())
    for sentence in (words.subject, *words.paragraphs, *words.after):
        assert str(sentence) in flat
        assert str(sentence) in html
    if words.code:
        assert VALUES["code"] in text
        assert VALUES["code"] in html
    for url in re.findall(r"https?://\S+", text):
        assert f'href="{url}"' in html


@pytest.mark.parametrize("name", ALL)
def test_every_html_is_well_formed_and_loads_nothing(name, anna):
    send(name, anna)

    outline = Outline(sent()[1])
    assert (outline.open, outline.wrong) == ([], [])
    assert outline.tags.count("h1") == 1
    assert not {"script", "img", "link", "iframe", "form", "object"} & set(outline.tags)
    assert not [a for a in outline.attributes if a[1] in ("src", "background", "srcset")]
    assert "url(" not in sent()[1]
    assert ("html", "lang", "en") in outline.attributes


@pytest.mark.parametrize("name", ALL)
def test_every_line_of_text_is_short_save_for_links(name, anna):
    send(name, anna)

    lines = sent()[0].splitlines()
    assert all(len(line) <= WIDTH or line.startswith("http") for line in lines)


@pytest.mark.parametrize("name", ALL)
def test_every_subject_is_one_line_of_fixed_words(name, anna):
    send(name, anna)

    (message,) = mail.outbox
    assert message.subject == str((NOTICES | ACCOUNT_MAILS)[name].subject)
    assert "\n" not in message.subject
    assert message.message()["Auto-Submitted"] == "auto-generated"


# After a closing there is no account that a report could save, and staff are nobody to be reported.
REPORTABLE = [name for name in NOTICES if name not in {"account_closed", "impersonated"}]


@pytest.mark.parametrize("name", REPORTABLE)
def test_nist_4_6_every_notice_says_what_to_do_if_it_was_not_you(name, anna, client):
    send(name, anna)

    text, html = sent()
    url = re.search(r"This was not me:\n(http\S+)", text).group(1)
    assert f'href="{url}"' in html
    assert client.get(url.removeprefix("http://localhost:8000")).status_code == 200


@pytest.mark.parametrize("name", ALL)
def test_no_mail_holds_the_password_or_a_session_key(name, anna):
    anna.set_password(CANARY)
    anna.save()

    send(name, anna)

    assert CANARY not in str(mail.outbox[0].message())
    assert anna.password not in str(mail.outbox[0].message())


# --- Where links lead -----------------------------------------------------------------------


def test_links_lead_to_the_public_address_whatever_host_the_request_names(anna, settings):
    settings.PUBLIC_URL = "https://ledger.example"
    settings.ALLOWED_HOSTS = ["*"]

    with in_request(HTTP_HOST="evil.example") as request:
        url = request.build_absolute_uri("/accounts/password/reset/key/1-2/")
        get_adapter().send_mail(
            "account/email/password_reset_key",
            anna.email,
            {"user": anna, "password_reset_url": url},
        )

    text, html = sent()
    assert "https://ledger.example/accounts/password/reset/key/1-2/" in text
    assert "evil" not in text + html


def test_a_front_end_elsewhere_keeps_its_address(settings):
    settings.PUBLIC_URL = "https://ledger.example"

    assert public("https://app.example/reset/1") == "https://app.example/reset/1"
    assert public("/x?y=1") == "https://ledger.example/x?y=1"


# --- Failures stay here ---------------------------------------------------------------------


def test_a_mail_that_cannot_be_rendered_breaks_nothing_and_logs_no_content(
    anna, monkeypatch, caplog
):
    def fail(*_args, **_kwargs):
        raise RuntimeError(CANARY)

    monkeypatch.setattr("authentication.mails.letters.render_to_string", fail)

    notify(anna, Notice.PASSWORD_CHANGED)

    assert "A mail was not queued: RuntimeError." in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_mail_leaves_after_the_commit_and_never_after_a_roll_back(anna):
    with transaction.atomic():
        notify(anna, Notice.PASSWORD_CHANGED)
        assert mail.outbox == []
    assert len(mail.outbox) == 1

    with pytest.raises(RuntimeError), transaction.atomic():
        notify(anna, Notice.NEW_DEVICE)
        raise RuntimeError
    assert len(mail.outbox) == 1


def test_the_documentation_lists_every_mail(settings):
    page = (settings.BASE_DIR / "docs/developer/mails.md").read_text(encoding="utf-8")

    assert [name for name in ALL if f"| `{name}` |" not in page] == []


def test_one_module_alone_talks_to_the_mail_server(settings):
    apps = ("core", "users", "authentication", "authorization", "groups", "items", "truledgr")
    talking = {
        str(path.relative_to(settings.BASE_DIR))
        for app in apps
        for path in (settings.BASE_DIR / app).rglob("*.py")
        if "tests" not in path.parts
        and re.search(
            r"django\.core\.mail\b(?!\.backends)|smtplib\.SMTP\(", path.read_text("utf-8")
        )
    }

    # The second only names the type that allauth wants.
    assert talking == {"authentication/mails/letters.py", "authentication/mails/allauth_mails.py"}
