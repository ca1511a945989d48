# schematools: accept index-added — no version was released before this one
# schematools: accept check-added — no version was released before this one
# schematools: accept foreign-key-added-with-column — no version was released before this one
# schematools: accept foreign-key-made-again — no version was released before this one

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("users", "0004_indexes_of_fingerprint_and_idle_expiry"),
    ]

    operations = [
        migrations.CreateModel(
            name="SessionDay",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField(help_text="In UTC.")),
                (
                    "counts",
                    models.JSONField(default=dict, help_text='{"dimension": {"value": number}}.'),
                ),
                (
                    "counted_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, help_text="When it was counted."
                    ),
                ),
            ],
            options={
                "verbose_name": "day of sessions",
                "verbose_name_plural": "days of sessions",
                "db_table": "session_days",
                "ordering": ["-day", "-id"],
                "default_permissions": ("view",),
            },
        ),
        migrations.AlterModelOptions(
            name="user",
            options={
                "ordering": ["-id"],
                "permissions": [("impersonate_user", "Can act as another user")],
                "verbose_name": "user",
                "verbose_name_plural": "users",
            },
        ),
        migrations.AlterModelOptions(
            name="usersession",
            options={
                "ordering": ["-last_activity_at", "-id"],
                "permissions": [
                    ("view_session_analytics", "Can view the analytics of all sessions")
                ],
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
            },
        ),
        migrations.AddField(
            model_name="user",
            name="anonymised_at",
            field=models.DateTimeField(
                blank=True, help_text="When personal data was removed for good.", null=True
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="deletion_due_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When the account is deleted, as its owner asked for.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="usersession",
            name="impersonation_reason",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="What the impersonator said it is for.",
                max_length=500,
            ),
        ),
        migrations.AddField(
            model_name="usersession",
            name="impersonator",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="Who of the staff acts as the user in it.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="impersonations",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="usersession",
            name="is_read_only",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Refuses changes, as impersonations do."
            ),
        ),
        migrations.AddField(
            model_name="usersession",
            name="is_remembered",
            field=models.BooleanField(
                db_default=False, default=False, help_text='Has the longer limits of "remember me".'
            ),
        ),
        migrations.AddField(
            model_name="usersession",
            name="latitude",
            field=models.FloatField(blank=True, help_text="Of the city, in degrees.", null=True),
        ),
        migrations.AddField(
            model_name="usersession",
            name="longitude",
            field=models.FloatField(blank=True, help_text="Of the city, in degrees.", null=True),
        ),
        migrations.AddField(
            model_name="usersession",
            name="risk_rules",
            field=models.JSONField(
                blank=True,
                db_default=models.Value([], models.JSONField()),
                default=list,
                help_text='The rules that fired: [{"rule": "new_device", "weight": 20}].',
            ),
        ),
        migrations.AddField(
            model_name="usersession",
            name="signed_in_at",
            field=models.DateTimeField(
                blank=True, help_text="When the sign-in was finished.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="device",
            name="fingerprint",
            field=models.CharField(
                help_text="Keyed hash (HMAC-SHA-256) of the id in its cookie or header, or of its traits.",
                max_length=64,
            ),
        ),
        migrations.AlterField(
            model_name="sessionactivity",
            name="session",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                help_text="None for requests with an access token.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="activities",
                to="users.usersession",
            ),
        ),
        migrations.AlterField(
            model_name="sessionactivity",
            name="user",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="activities",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="usersession",
            name="end_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("signed_out", "Signed out"),
                    ("expired", "Expired"),
                    ("revoked_by_owner", "Ended by its owner"),
                    ("revoked_by_staff", "Ended by staff"),
                    ("password_changed", "Password changed"),
                    ("suspicious", "Suspicious"),
                    ("impersonation_ended", "Impersonation ended"),
                    ("account_closed", "Account closed"),
                ],
                max_length=32,
            ),
        ),
        migrations.AlterField(
            model_name="usersession",
            name="user",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="Nobody until the sign-in is finished.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="sessions",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(
                condition=models.Q(("deletion_due_at__isnull", False)),
                fields=["deletion_due_at"],
                name="user_deletion_due_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="usersession",
            index=models.Index(fields=["signed_in_at"], name="session_signed_in_idx"),
        ),
        migrations.AddIndex(
            model_name="usersession",
            index=models.Index(fields=["user", "signed_in_at"], name="session_user_signed_in_idx"),
        ),
        migrations.AddIndex(
            model_name="usersession",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", False)),
                fields=["ended_at"],
                name="session_ended_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="usersession",
            index=models.Index(
                condition=models.Q(("impersonator__isnull", False)),
                fields=["impersonator"],
                name="session_impersonator_idx",
            ),
        ),
        migrations.AddConstraint(
            model_name="usersession",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("impersonator", None),
                    models.Q(("impersonation_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="users_usersession_impersonation_check",
            ),
        ),
        migrations.AddField(
            model_name="sessionday",
            name="user",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="None: everybody.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="session_days",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="sessionday",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user__isnull", False)),
                fields=("user", "day"),
                name="users_sessionday_user_day_uniq",
            ),
        ),
        migrations.AddConstraint(
            model_name="sessionday",
            constraint=models.UniqueConstraint(
                condition=models.Q(("user", None)),
                fields=("day",),
                name="users_sessionday_day_uniq",
            ),
        ),
        migrations.AddIndex(
            model_name="device",
            index=models.Index(fields=["first_seen_at"], name="device_first_seen_idx"),
        ),
        migrations.AddIndex(
            model_name="sessionday",
            index=models.Index(fields=["day"], name="session_day_idx"),
        ),
    ]
