# schematools: accept index-added — no row has the column yet, so that the partial index is empty

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Whom the actor acted as. Two columns that may be null: no table is made anew for them, and
    the triggers of 0002 stay.
    """

    dependencies = [
        ("core", "0002_audit_events_append_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="auditevent",
            name="on_behalf_of",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                help_text="The user whom the actor, one of the staff, acted as.",
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="on_behalf_of_label",
            field=models.CharField(
                help_text="The username of that user at that moment.", max_length=254, null=True
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                condition=models.Q(("on_behalf_of__isnull", False)),
                fields=["on_behalf_of", "-id"],
                name="audit_on_behalf_of_idx",
            ),
        ),
    ]
