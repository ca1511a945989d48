"""Rules that hold for every model in the admin, the next one that is added included."""

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group as DjangoGroup
from django.contrib.auth.models import Permission
from django.core.exceptions import FieldDoesNotExist
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from authentication.models import APIToken, BackupCodeDevice, PasswordResetToken, TOTPDevice
from authorization.models import Role, RoleAssignment, RolePermission
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.models import AuditEvent
from groups.models import Group, Invitation, Membership
from groups.tests.factories import GroupFactory, InvitationFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.models import Device, SessionActivity, SessionDay, User, UserSession
from users.tests.factories import DeviceFactory, UserFactory, UserSessionFactory

OURS = ("core", "users", "authentication", "authorization", "groups", "items")
# The pages of schematools are no lists of rows; it tests them itself.
MODELS = sorted(
    (model for model in admin.site._registry if model._meta.app_label != "schematools"),
    key=lambda model: model._meta.label,
)
CANARY = "canary"

pytestmark = pytest.mark.django_db


def canary(n, length=64):
    """A secret that is different for each row and recognised wherever it is printed."""
    return f"{n}{CANARY}".rjust(length, "0")


def make_totp(n=0, **fields):
    fields.setdefault("user", UserFactory())
    return TOTPDevice.objects.create(name=f"Phone {n}", secret="CANARY" * 5 + "AA", **fields)


def make_backup_codes(n=0):
    codes = [{"hash": canary(n), "used_at": None}]
    return BackupCodeDevice.objects.create(user=UserFactory(), salt=canary(n, 32), codes=codes)


def make_reset_token(n=0):
    return PasswordResetToken.objects.create(
        user=UserFactory(),
        token_hash=canary(n),
        email="x@example.org",
        expires_at=timezone.now() + timezone.timedelta(hours=1),
    )


def make_api_token(n=0):
    return APIToken.objects.create(
        user=UserFactory(), name=f"Token {n}", prefix="tl_pat_abcd", token_hash=canary(n)
    )


def make_email_address(n=0):
    model = apps.get_model("account", "EmailAddress")
    return model.objects.create(user=UserFactory(), email=f"address{n}@example.org")


def make_task(n=0):
    model = apps.get_model("django_tasks_database", "DBTaskResult")
    return model.objects.create(
        args_kwargs={"args": [canary(n)], "kwargs": {}},
        return_value=canary(n),
        traceback=canary(n),
        task_path="authentication.tasks.send_letter",
        backend_name="default",
    )


def make_social_account(n=0):
    model = apps.get_model("socialaccount", "SocialAccount")
    kept = {"email": f"{CANARY}@example.org", "token": canary(n)}
    return model.objects.create(user=UserFactory(), provider="corp", uid=f"{n}", extra_data=kept)


def make_activity(n=0):
    return SessionActivity.objects.create(
        session=UserSessionFactory(key_hash=canary(n + 1000), session_data=CANARY),
        user=UserFactory(),
        activity_type="request",
        route="item-list",
        method="GET",
        status=200,
        extra={"attempt": 1},
    )


def make_event(n=0):
    ItemFactory().delete()
    return AuditEvent.objects.latest("id")


def make_role_permission(n=0):
    granter = UserFactory()
    role = RoleFactory()
    permission = Permission.objects.order_by("pk")[n]
    return RolePermission.objects.create(role=role, permission=permission, granted_by=granter)


def make_passkey(n=0):
    return apps.get_model("django_otp_webauthn", "WebAuthnCredential").objects.create(
        user=UserFactory(),
        name="Laptop",
        credential_id=canary(n).encode(),
        credential_id_sha256=canary(n),
        public_key=CANARY.encode(),
    )


MAKERS = {
    User: lambda n=0: UserFactory(password=canary(n), verified_by=UserFactory()),
    Device: lambda n=0: DeviceFactory(
        fingerprint=canary(n), trust_secret_hash=canary(n), trusted_until=timezone.now()
    ),
    UserSession: lambda n=0: UserSessionFactory(
        key_hash=canary(n), session_data=CANARY, device=DeviceFactory(fingerprint=canary(n))
    ),
    SessionActivity: make_activity,
    TOTPDevice: make_totp,
    BackupCodeDevice: make_backup_codes,
    PasswordResetToken: make_reset_token,
    APIToken: make_api_token,
    Role: lambda _n=0: RoleFactory(),
    RolePermission: make_role_permission,
    RoleAssignment: lambda _n=0: RoleAssignmentFactory(granted_by=UserFactory()),
    Group: lambda _n=0: GroupFactory(created_by=UserFactory()),
    Membership: lambda _n=0: MembershipFactory(),
    Invitation: lambda n=0: InvitationFactory(token_hash=canary(n)),
    Item: lambda n=0: ItemFactory() if n % 2 else ItemFactory(owner=None, group=GroupFactory()),
    AuditEvent: make_event,
    Permission: lambda n=0: Permission.objects.order_by("pk")[n],
    apps.get_model("account", "EmailAddress"): make_email_address,
    apps.get_model("socialaccount", "SocialAccount"): make_social_account,
    apps.get_model("django_tasks_database", "DBTaskResult"): make_task,
    apps.get_model("django_otp_webauthn", "WebAuthnCredential"): make_passkey,
}


def url(model, page, *args):
    opts = model._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=args)


@pytest.fixture
def superuser():
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.fixture
def superuser_client(client, superuser):
    client.force_login(superuser)
    return client


def pages_of(model, row):
    names = [("changelist",), ("add",), ("change", row.pk), ("history", row.pk), ("delete", row.pk)]
    return {name: url(model, name, *args) for name, *args in names}


def test_the_sixteen_models_are_registered_and_djangos_own_groups_are_not():
    ours = {model for model in apps.get_models() if model._meta.app_label in OURS}

    ours.remove(SessionDay)  # the page of analytics shows what it holds
    assert len(ours) == 16
    assert ours <= set(admin.site._registry)
    assert DjangoGroup not in admin.site._registry


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_page_opens_for_a_superuser_and_shows_no_secret(model, superuser_client):
    row = MAKERS[model]()

    pages = pages_of(model, row)
    expected = {"changelist", "change", "history"}
    request = superuser_client.get("/admin/").wsgi_request
    model_admin = admin.site._registry[model]
    expected |= {"add"} if model_admin.has_add_permission(request) else set()
    expected |= {"delete"} if model_admin.has_delete_permission(request, row) else set()
    for page, address in pages.items():
        response = superuser_client.get(address)
        body = response.content.decode()
        assert response.status_code == (200 if page in expected else 403), page
        assert CANARY not in body.lower(), page
        assert "<style" not in body, page
        assert " style=" not in body, page
        assert " onclick=" not in body, page


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_page_opens_for_staff_without_a_role(model, client):
    row = MAKERS[model]()
    client.force_login(UserFactory(is_staff=True))

    answers = {
        page: client.get(address).status_code for page, address in pages_of(model, row).items()
    }

    assert set(answers.values()) == {403}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_list_costs_the_same_queries_with_three_rows_and_with_thirty(
    model, superuser_client, django_assert_num_queries
):
    # 1. session with user  2. the count, no further than 10,000  3. the rows with what they name
    expected = 3
    for n in range(3):
        MAKERS[model](n)
    with django_assert_num_queries(expected):
        superuser_client.get(url(model, "changelist"))
    for n in range(3, 30):
        MAKERS[model](n)

    with django_assert_num_queries(expected):
        response = superuser_client.get(url(model, "changelist"))

    assert len(response.context["cl"].result_list) >= 30


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
@pytest.mark.parametrize("term", ["x", "'", "%", "\0", "01980000-0000-7000-8000-000000000000"])
def test_every_search_answers(model, term, superuser_client):
    MAKERS[model]()

    response = superuser_client.get(url(model, "changelist"), {"q": term})

    assert response.status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_filter_answers(model, superuser_client):
    MAKERS[model]()
    changelist = superuser_client.get(url(model, "changelist")).context["cl"]

    for spec in changelist.filter_specs:
        for choice in list(spec.choices(changelist)):
            address = url(model, "changelist") + choice["query_string"]
            assert superuser_client.get(address).status_code == 200, address


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
@pytest.mark.parametrize("key", ["nonsense", "999999999999999999999999", "%00"])
def test_an_unknown_key_leads_back_to_the_start_page(model, key, superuser_client):
    for page in ("change", "history"):
        response = superuser_client.get(url(model, page, "KEY").replace("KEY", key))

        assert response.status_code == 302
        assert response["Location"] == "/admin/"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_key_that_is_none_does_not_crash_a_form(model, superuser_client):
    """Autocomplete widgets look the key up again when they render."""
    keys = {field.name: "nonsense" for field in model._meta.fields if field.is_relation}

    opened = superuser_client.get(url(model, "add"), keys)
    sent = superuser_client.post(url(model, "add"), keys)

    assert opened.status_code in (200, 403)
    assert sent.status_code == opened.status_code


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_filter_by_what_is_no_key_leads_back_to_the_list(model, superuser_client):
    for field in model._meta.fields:
        if field.is_relation:
            address = f"{url(model, 'changelist')}?{field.name}__id__exact=nonsense"
            assert superuser_client.get(address, follow=True).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_form_offers_a_select_over_a_table(model, superuser_client):
    row = MAKERS[model]()
    rf = superuser_client.get("/admin/").wsgi_request
    model_admin = admin.site._registry[model]

    for obj in (None, row):
        readonly = set(model_admin.get_readonly_fields(rf, obj))
        picked = set(model_admin.autocomplete_fields)
        shown = {f for _, o in model_admin.get_fieldsets(rf, obj) for f in o["fields"]}
        may_edit = (
            model_admin.has_change_permission(rf, obj)
            if obj
            else model_admin.has_add_permission(rf)
        )
        for name in shown - readonly if may_edit else ():
            try:
                field = model._meta.get_field(name)
            except FieldDoesNotExist:
                continue
            assert not field.is_relation or name in picked, name


@pytest.mark.parametrize(
    "model",
    [m for m in MODELS if m._meta.app_label in OURS and m not in (AuditEvent, SessionActivity)],
    ids=lambda model: model._meta.label,
)
def test_every_list_order_ends_in_a_key(model):
    """A page would show a row twice or never if two rows could tie."""
    last = admin.site._registry[model].ordering[-1]

    assert last in ("id", "-id")


@pytest.mark.parametrize(
    "model",
    # A handful of roles, permissions and addresses are sorted; the others grow.
    [m for m in MODELS if m._meta.app_label in OURS and m is not Role],
    ids=lambda model: model._meta.label,
)
def test_an_index_serves_the_order_of_every_list_that_grows(model, superuser_client):
    rows = superuser_client.get(url(model, "changelist")).context["cl"].queryset
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # then it sorts only what no index orders
            cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off")

    plan = rows[:50].explain()

    # A table in partitions merges them, each read in the order of its index.
    assert plan.count("Sort Key") == plan.count("Merge Append")
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("model", [AuditEvent, SessionActivity], ids=lambda m: m.__name__)
@pytest.mark.parametrize("method", ["get", "post"])
def test_logs_are_read_only_for_superusers_too(model, method, superuser_client):
    row = MAKERS[model]()
    before = model.objects.count()

    send = getattr(superuser_client, method)

    assert send(url(model, "add")).status_code == 403
    assert send(url(model, "delete", row.pk)).status_code == 403
    if method == "post":
        assert send(url(model, "change", row.pk), {"status": 500}).status_code == 403
        delete = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        send(url(model, "changelist"), delete)
    assert model.objects.filter(pk=row.pk).exists()
    assert model.objects.count() >= before


def test_the_changelist_of_the_trail_counts_no_further_than_its_limit(
    superuser_client, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr("core.admin_base.CappedPaginator.limit", 3)
    GroupFactory.create_batch(5)

    response = superuser_client.get(url(Group, "changelist"))

    assert response.context["cl"].result_count == 3
    assert "at least 3 groups" in " ".join(response.content.decode().split())


def test_an_action_refuses_more_rows_than_a_form_can_carry(superuser_client, monkeypatch):
    monkeypatch.setattr("core.admin_base.MOST_ROWS_OF_AN_ACTION", 2)
    groups = GroupFactory.create_batch(3)

    response = superuser_client.post(
        url(Group, "changelist"),
        {"action": "delete_selected", "_selected_action": [groups[0].pk], "select_across": "1"},
        follow=True,
    )

    assert "takes 2 rows at most" in response.content.decode()
    assert Group.objects.alive().count() == 3


def test_the_autocomplete_of_users_names_live_ones_only(superuser_client):
    kept, gone = UserFactory(username="anna"), UserFactory(username="anne")
    gone.delete()

    response = superuser_client.get(
        reverse("admin:autocomplete"),
        {"app_label": "items", "model_name": "item", "field_name": "owner", "term": "ann"},
    )

    assert [row["id"] for row in response.json()["results"]] == [str(kept.pk)]


def test_every_answer_of_the_admin_carries_a_strict_content_security_policy(superuser_client):
    header = superuser_client.get("/admin/")["Content-Security-Policy"]

    assert "default-src 'self'" in header
    assert "unsafe" not in header
    assert settings.CONTENT_SECURITY_POLICY
