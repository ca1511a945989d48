"""Models that use fields and bases of many libraries at once."""

import uuid
from functools import partial

from django.contrib.auth.models import AbstractUser
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils.translation import gettext_lazy
from django_countries.fields import CountryField
from djmoney.models.fields import MoneyField
from filer.fields.image import FilerImageField
from mptt.models import MPTTModel, TreeForeignKey, TreeManyToManyField
from oauth2_provider.models import AbstractApplication
from parler.models import TranslatableModel, TranslatedFields
from phonenumber_field.modelfields import PhoneNumberField
from polymorphic.models import PolymorphicModel
from simple_history.models import HistoricalRecords
from taggit.managers import TaggableManager
from taggit.models import GenericUUIDTaggedItemBase, TaggedItemBase
from timezone_field import TimeZoneField
from treebeard.mp_tree import MP_Node


def at_random(*, length: int) -> str:
    return uuid.uuid4().hex[:length]


class Person(AbstractUser):
    """Whoever signs in, in the place of Django's user."""

    home = CountryField(blank=True, help_text=gettext_lazy("Yes"))
    visited = CountryField(multiple=True, blank=True)
    phone = PhoneNumberField(null=True, blank=True, unique=True)
    zone = TimeZoneField(default="Europe/Vienna", use_pytz=False)


class Application(AbstractApplication):
    owner = models.ForeignKey(Person, models.SET_NULL, null=True, related_name="+")


class Kind(MPTTModel):
    """A kind of animal, which has kinds of its own."""

    name = models.CharField(max_length=80, unique=True)
    parent = TreeForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")


class Enclosure(MP_Node):
    name = models.CharField(gettext_lazy("Name"), max_length=80)
    near = models.ManyToManyField("self", blank=True)
    picture = FilerImageField(null=True, blank=True, on_delete=models.SET_NULL)


class TaggedAnimal(GenericUUIDTaggedItemBase, TaggedItemBase):
    """A tag on whatever has a UUID."""


class Animal(PolymorphicModel):
    """Any animal."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = TreeForeignKey(Kind, models.PROTECT)
    token = models.CharField(max_length=8, default=partial(at_random, length=8))
    price = MoneyField(max_digits=14, decimal_places=2, default_currency="EUR", null=True)
    enclosures = models.ManyToManyField(Enclosure, through="Stay")
    eats = TreeManyToManyField(Kind, related_name="eaten_by", blank=True)
    tags = TaggableManager(through=TaggedAnimal)
    notes = GenericRelation("zoo.Note")
    history = HistoricalRecords(m2m_fields=[eats])

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(price__gte=0) | models.Q(price=None), name="zoo_price_check"
            )
        ]


class Lion(Animal):
    mane = models.FloatField(default=float("inf"), help_text="In <cm>, or `inf` | unknown.")


class Cub(Lion):
    animal = models.OneToOneField(Animal, models.CASCADE, related_name="as_cub")
    mother = models.ForeignKey(Lion, models.SET(None), null=True, related_name="cubs")


class OldLion(Lion):
    class Meta:
        proxy = True


class Stay(models.Model):
    pk = models.CompositePrimaryKey("animal", "enclosure")
    animal = models.ForeignKey(Animal, models.CASCADE)
    enclosure = models.ForeignKey(Enclosure, models.CASCADE, db_constraint=False)

    def __str__(self) -> str:
        return "stay"


class Note(models.Model):
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.UUIDField()
    about = GenericForeignKey()
    author = models.ForeignKey(Person, models.DO_NOTHING, to_field="phone", null=True)

    def __str__(self) -> str:
        return "note"


class Sign(TranslatableModel):
    translations = TranslatedFields(text=models.TextField(), meta={"unique_together": []})
    enclosure = models.OneToOneField(Enclosure, models.CASCADE, primary_key=True)


class Census(models.Model):
    """What a view of the database counts."""

    kind = models.OneToOneField(Kind, models.DO_NOTHING, primary_key=True)
    amount = models.IntegerField()

    class Meta:
        managed = False
        db_table = "census of the zoo"

    def __str__(self) -> str:
        return str(self.amount)
