import django.db.models.constraints
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
import django.db.models.functions.text
from django.db import migrations, models

from schematools.tests.migrated.depot.models import COLLATION


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Shelf",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=20, unique=True)),
                ("label", models.CharField(db_collation=COLLATION, max_length=60)),
            ],
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.TextField()),
            ],
        ),
        migrations.CreateModel(
            name="Box",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(db_index=True, max_length=40)),
                ("width", models.PositiveIntegerField(db_default=1)),
                ("height", models.IntegerField(null=True)),
                ("weight", models.DecimalField(decimal_places=2, max_digits=10)),
                (
                    "made_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "area",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            models.F("width"), "*", models.Value(2)
                        ),
                        output_field=models.IntegerField(),
                    ),
                ),
                (
                    "shelf",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="depot.shelf"
                    ),
                ),
                (
                    "spare",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="depot.shelf",
                        to_field="code",
                    ),
                ),
                ("tags", models.ManyToManyField(to="depot.tag")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["name", "-made_at"], name="depot_box_newest"),
                    models.Index(
                        condition=models.Q(("height__gt", 3)),
                        fields=["height"],
                        name="depot_box_tall",
                    ),
                    models.Index(
                        django.db.models.functions.text.Upper("name"), name="depot_box_upper"
                    ),
                    models.Index(fields=["weight"], include=("name",), name="depot_box_heavy"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("weight__gte", 0)), name="depot_box_weight"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("height__isnull", True)),
                        fields=("name",),
                        name="depot_box_flat",
                    ),
                    models.UniqueConstraint(fields=("shelf", "name"), name="depot_box_place"),
                    models.UniqueConstraint(
                        deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                        fields=("shelf", "width"),
                        name="depot_box_later",
                    ),
                    models.UniqueConstraint(
                        fields=("spare", "height"), name="depot_box_nulls", nulls_distinct=False
                    ),
                ],
            },
        ),
    ]
