from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper

IS_POSTGRESQL = "postgresql" in settings.DATABASES["default"]["ENGINE"]
COLLATION = "C" if IS_POSTGRESQL else "NOCASE"


class Shelf(models.Model):
    code = models.CharField(max_length=20, unique=True)
    label = models.CharField(max_length=60, db_collation=COLLATION)

    def __str__(self):
        return self.code


class Tag(models.Model):
    title = models.TextField()

    def __str__(self):
        return self.title


class Box(models.Model):
    shelf = models.ForeignKey(Shelf, models.CASCADE)
    spare = models.ForeignKey(Shelf, models.SET_NULL, null=True, to_field="code", related_name="+")
    name = models.CharField(max_length=40, db_index=True)
    width = models.PositiveIntegerField(db_default=1)
    height = models.IntegerField(null=True)
    weight = models.DecimalField(max_digits=10, decimal_places=2)
    made_at = models.DateTimeField(db_default=Now())
    area = models.GeneratedField(
        expression=F("width") * 2, output_field=models.IntegerField(), db_persist=True
    )
    tags = models.ManyToManyField(Tag)

    class Meta:
        indexes = [
            models.Index(fields=["name", "-made_at"], name="depot_box_newest"),
            models.Index(fields=["height"], condition=Q(height__gt=3), name="depot_box_tall"),
            models.Index(Upper("name"), name="depot_box_upper"),
            models.Index(fields=["weight"], include=["name"], name="depot_box_heavy"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(weight__gte=0), name="depot_box_weight"),
            models.UniqueConstraint(
                fields=["name"], condition=Q(height__isnull=True), name="depot_box_flat"
            ),
            models.UniqueConstraint(fields=["shelf", "name"], name="depot_box_place"),
            models.UniqueConstraint(
                fields=["shelf", "width"],
                name="depot_box_later",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.UniqueConstraint(
                fields=["spare", "height"], nulls_distinct=False, name="depot_box_nulls"
            ),
        ]

    def __str__(self):
        return self.name
