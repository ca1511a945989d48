"""Checking codes: what is accepted once, what is counted, what locks, and who hears of it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from authentication.mails import Notice
from authentication.models import LONGEST_WAIT, MOST_WRONG_IN_A_ROW, BackupCodeDevice, TOTPDevice
from authentication.second_factors import second_factors_of
from authentication.services import second_factors as services
from authentication.services.second_factors import SignIn, check_code, unlock_factors
from authentication.tests.clients import make_app, make_backup_codes
from authentication.tests.codes import code_of
from authentication.tests.people import make_user
from core.models import AuditEvent
from core.tests.parallel import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def app(user):
    return make_app(user)


@pytest.fixture
def told(monkeypatch):
    """The notices that were sent, with what they say."""
    sent = []
    monkeypatch.setattr(
        services, "notify", lambda _user, notice, **context: sent.append((notice, context))
    )
    return sent


def wrong_code_of(app):
    return f"{(int(code_of(app)) + 1) % 1_000_000:06}"


def sign_in_of(user):
    before = {d.persistent_id: d.wrong_codes for d in second_factors_of(user).guarded}
    return SignIn(began_at=timezone.now(), wrong_before=before)


def failures(device, count):
    """As if it had refused that many codes in a row, the last one long ago."""
    long_ago = timezone.now() - timedelta(days=1)
    type(device).objects.filter(pk=device.pk).update(
        throttling_failure_count=count, throttling_failure_timestamp=long_ago
    )


# --- Counting and waiting -------------------------------------------------------------------


def test_wrong_codes_are_counted_while_the_device_has_to_wait(user, app):
    for _attempt in range(7):
        check_code(user=user, code=wrong_code_of(app))

    app.refresh_from_db()
    assert (app.throttling_failure_count, app.wrong_codes) == (7, 7)


def test_a_right_code_that_comes_too_early_is_refused_and_counted(user, app):
    check_code(user=user, code=wrong_code_of(app))

    answer = check_code(user=user, code=code_of(app))

    assert (answer.device, answer.refusal.code) == (None, "too_soon")
    app.refresh_from_db()
    assert app.throttling_failure_count == 2


def test_codes_that_come_too_early_do_not_move_the_end_of_the_wait(user, app):
    check_code(user=user, code=wrong_code_of(app))
    app.refresh_from_db()
    first = app.throttling_failure_timestamp

    check_code(user=user, code=wrong_code_of(app))

    app.refresh_from_db()
    assert app.throttling_failure_timestamp == first


@pytest.mark.parametrize(("count", "seconds"), [(1, 1), (4, 8), (9, 256), (10, 300), (99, 300)])
def test_the_wait_doubles_up_to_five_minutes(app, count, seconds):
    app.throttling_failure_count = count
    app.throttling_failure_timestamp = timezone.now()

    assert app.seconds_to_wait == min(seconds, LONGEST_WAIT)
    assert not app.verify_is_allowed()[0]


def test_a_right_code_ends_the_row_of_wrong_ones_and_not_their_total(user, app):
    check_code(user=user, code=wrong_code_of(app))
    failures(app, 1)

    assert check_code(user=user, code=code_of(app)).device == app

    app.refresh_from_db()
    assert (app.throttling_failure_count, app.wrong_codes) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_nist_3_2_2_fifty_wrong_codes_at_once_are_all_counted(user, app):
    make_backup_codes(user)
    wrong = wrong_code_of(app)

    def five():
        return [check_code(user=user, code=wrong).device for _attempt in range(5)]

    outcomes = at_once(*[five] * 10)

    assert outcomes == [[None] * 5] * 10
    app.refresh_from_db()
    assert (app.throttling_failure_count, app.wrong_codes) == (50, 50)
    assert BackupCodeDevice.objects.get().wrong_codes == 0


@pytest.mark.django_db(transaction=True)
def test_of_codes_at_once_no_more_than_five_are_compared_in_one_sign_in(user, app):
    sign_in = sign_in_of(user)
    services_open = sign_in.wrong_before
    wrong = wrong_code_of(app)

    outcomes = at_once(*[lambda: check_code(user=user, code=wrong, sign_in=sign_in)] * 12)

    assert sum(answer.is_over for answer in outcomes) == 12 - 4
    failures(app, 0)
    late = check_code(user=user, code=code_of(app), sign_in=sign_in)
    assert (late.device, late.is_over) == (None, True)
    assert services_open == {app.persistent_id: 0}


# --- Locking --------------------------------------------------------------------------------


def test_nist_3_2_2_after_100_wrong_codes_even_the_right_one_is_refused(user, app, told):
    failures(app, MOST_WRONG_IN_A_ROW - 1)
    check_code(user=user, code=wrong_code_of(app))
    failures(app, MOST_WRONG_IN_A_ROW)

    answer = check_code(user=user, code=code_of(app))

    assert (answer.device, answer.refusal.code) == (None, "factor_locked")
    assert told == [(Notice.FACTOR_LOCKED, {"name": "Phone"})]
    assert AuditEvent.objects.filter(action="factor_locked", object_id=str(app.pk)).count() == 1
    app.refresh_from_db()
    assert app.throttling_failure_count == MOST_WRONG_IN_A_ROW + 1


def test_nist_3_2_2_a_locked_device_is_told_of_once(user, app, told):
    failures(app, MOST_WRONG_IN_A_ROW - 1)

    for _attempt in range(4):
        check_code(user=user, code=wrong_code_of(app))

    assert [notice for notice, _context in told] == [Notice.FACTOR_LOCKED]


def test_nist_3_2_2_a_backup_code_opens_a_locked_app(user, app):
    codes = make_backup_codes(user)
    failures(app, MOST_WRONG_IN_A_ROW)

    assert check_code(user=user, code=codes[0]).device is not None

    assert check_code(user=user, code=code_of(app)).device == app
    event = AuditEvent.objects.get(action="factor_unlocked")
    assert (event.object_id, event.actor) == (str(app.pk), user)


def test_a_locked_app_stays_locked_when_it_is_only_waited_for(user, app):
    failures(app, MOST_WRONG_IN_A_ROW)
    TOTPDevice.objects.update(throttling_failure_timestamp=timezone.now() - timedelta(days=400))

    assert check_code(user=user, code=code_of(app)).device is None


def test_nist_3_2_2_staff_unlock_what_is_locked(user, app):
    staff = make_user(is_superuser=True)
    failures(app, MOST_WRONG_IN_A_ROW)

    assert unlock_factors(actor=staff, user=user) == 1

    assert check_code(user=user, code=code_of(app)).device == app
    assert AuditEvent.objects.get(action="factor_unlocked").actor == staff


def test_unlocking_where_nothing_is_locked_changes_nothing(user, app):
    failures(app, 5)

    assert unlock_factors(actor=user, user=user) == 0

    app.refresh_from_db()
    assert app.throttling_failure_count == 5


# --- Who hears of it ------------------------------------------------------------------------


def test_three_wrong_codes_after_a_right_password_are_told_of_once(user, app, told):
    sign_in = sign_in_of(user)

    for _attempt in range(5):
        check_code(user=user, code=wrong_code_of(app), sign_in=sign_in)

    assert told == [(Notice.WRONG_CODES, {"count": 3})]


def test_two_wrong_codes_are_nobodys_business(user, app, told):
    sign_in = sign_in_of(user)

    for _attempt in range(2):
        check_code(user=user, code=wrong_code_of(app), sign_in=sign_in)

    assert told == []


def test_the_next_sign_in_tells_again(user, app, told):
    for _sign_in in range(2):
        sign_in = sign_in_of(user)
        for _attempt in range(3):
            check_code(user=user, code=wrong_code_of(app), sign_in=sign_in)

    assert [notice for notice, _context in told] == [Notice.WRONG_CODES] * 2


@pytest.mark.django_db(transaction=True)
def test_wrong_codes_at_once_are_told_of_once(user, app, told):
    make_backup_codes(user)
    sign_in = sign_in_of(user)
    codes = [wrong_code_of(app), "no-such-code"] * 4

    at_once(*[lambda code=c: check_code(user=user, code=code, sign_in=sign_in) for c in codes])

    assert [notice for notice, _context in told] == [Notice.WRONG_CODES]


def test_nist_4_2_1_1_a_used_backup_code_is_told_of_with_how_many_are_left(user, app, told):
    codes = make_backup_codes(user)

    check_code(user=user, code=codes[3])

    assert told == [(Notice.BACKUP_CODE_USED, {"left": 9})]
    event = AuditEvent.objects.get(action="backup_code_used")
    assert (event.actor, event.changes) == (user, {"unused": [10, 9]})


def test_nist_4_2_1_1_the_mail_about_a_used_code_reaches_its_owner(
    user, app, mailoutbox, django_capture_on_commit_callbacks
):
    codes = make_backup_codes(user)

    with django_capture_on_commit_callbacks(execute=True):
        check_code(user=user, code=codes[0])

    assert [mail.to for mail in mailoutbox] == [[user.email]]
    assert "9" in mailoutbox[0].body
    assert codes[0] not in mailoutbox[0].body


def test_the_trail_names_wrong_codes_and_never_says_which(user, app):
    wrong = wrong_code_of(app)
    for _attempt in range(2):
        check_code(user=user, code=wrong)

    events = AuditEvent.objects.filter(action="second_factor_failed").order_by("id")
    assert [event.changes for event in events] == [
        {"throttling_failure_count": [0, 1]},
        {"throttling_failure_count": [1, 2]},
    ]
    everything = str(list(AuditEvent.objects.values()))
    assert wrong not in everything
    assert app.secret not in everything


# --- Codes that are meant for nothing -------------------------------------------------------


@pytest.mark.parametrize("code", ["abc", "1234567", "k2f7-q3ma-77xd-o5ze", "\ud800", "\0"])
def test_what_is_no_code_of_an_app_is_counted_where_there_are_only_apps(user, app, code):
    assert check_code(user=user, code=code).device is None

    app.refresh_from_db()
    assert app.wrong_codes == 1


def test_who_has_nothing_to_prove_proves_nothing(user):
    assert check_code(user=user, code="123456").device is None


def test_a_code_of_an_app_that_is_not_confirmed_proves_nothing(user):
    app = make_app(user, confirmed=False)

    assert check_code(user=user, code=code_of(app)).device is None


def test_nist_3_1_2_2_guesses_at_backup_codes_have_to_wait_too(user):
    codes = make_backup_codes(user)
    check_code(user=user, code="aaaa-aaaa-aaaa-aaaa")

    answer = check_code(user=user, code=codes[0])

    assert (answer.device, answer.refusal.code) == (None, "too_soon")


def test_nist_3_1_4_2_the_seed_of_an_app_is_not_in_the_database(user, app):
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM totp_devices")
        ((stored,),) = cursor.fetchall()

    assert app.secret not in stored
    assert len(app.secret) * 5 == 160
