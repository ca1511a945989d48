import pytest
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.db import models
from django.db.models import Q
from django.test.utils import isolate_apps

from schematools.model import ForeignKey, GenericKey, ManyToMany, OtherModel
from schematools.tests.reading import InShop, read, read_table


@pytest.fixture(autouse=True)
def registry():
    with isolate_apps("schematools") as apps:
        yield apps


def nobody():
    return None


def test_foreign_keys_are_read_as_django_means_them():
    class Person(models.Model):
        class Meta(InShop):
            pass

    class Pet(models.Model):
        owner = models.ForeignKey(Person, models.PROTECT, related_name="pets")
        vet = models.ForeignKey(Person, models.SET(nobody), null=True, related_name="+")
        chip = models.OneToOneField(Person, models.SET(7), db_constraint=False)

        class Meta(InShop):
            pass

    def key(name, **others):
        return ForeignKey(
            name=name,
            columns=(f"{name}_id",),
            target="shop_person",
            target_columns=("id",),
            **{"deferrable": "initially deferred"} | others,
        )

    assert read_table(Pet, Person).foreign_keys == (
        key("owner", on_delete="PROTECT", reverse="pets"),
        key("vet", on_delete="SET(nobody())", null=True),
        key(
            "chip",
            on_delete="SET(7)",
            unique=True,
            enforced=False,
            deferrable="",
            reverse="pet",
        ),
    )


def test_a_foreign_key_is_unique_when_a_constraint_over_all_rows_says_so():
    class Person(models.Model):
        class Meta(InShop):
            pass

    class Badge(models.Model):
        person = models.ForeignKey(Person, models.CASCADE)
        guest = models.ForeignKey(Person, models.CASCADE, related_name="+")

        class Meta(InShop):
            constraints = [
                models.UniqueConstraint(fields=["person"], name="person_uniq"),
                models.UniqueConstraint(fields=["guest"], condition=Q(id__gt=5), name="guest_uniq"),
            ]

    assert [key.unique for key in read_table(Badge, Person).foreign_keys] == [True, False]


def test_a_many_to_many_field_brings_its_join_table():
    class Person(models.Model):
        friends = models.ManyToManyField("self")

        class Meta(InShop):
            pass

    schema = read(Person)

    join = schema.table_by_name["shop_person_friends"]
    assert schema.table_by_name["shop_person"].many_to_many == (
        ManyToMany(name="friends", target="shop_person", through="shop_person_friends"),
    )
    assert (join.automatic, join.description) == (
        True,
        "Join table of the many-to-many field `shop.Person.friends`.",
    )
    assert [key.name for key in join.foreign_keys] == ["from_person", "to_person"]
    assert [item.columns for item in join.constraints if item.kind == "unique"] == [
        ("from_person_id", "to_person_id")
    ]


def test_models_that_share_a_table_are_told_with_the_managed_one_first():
    class Twin(models.Model):
        class Meta(InShop):
            managed = False
            db_table = "shop_thing"

    class Thing(models.Model):
        class Meta(InShop):
            pass

    class Agent(Thing):
        class Meta(InShop):
            proxy = True

    table = read_table(Twin, Agent, Thing)

    assert table.model == "shop.Thing"
    assert table.other_models == (
        OtherModel("shop.Twin", "same table"),
        OtherModel("shop.Agent", "proxy"),
    )
    assert table.managed


def test_an_inherited_table_refers_to_its_parent_by_its_key():
    class Thing(models.Model):
        name = models.TextField()

        class Meta(InShop):
            pass

    class Toy(Thing):
        class Meta(InShop):
            pass

    table = read_table(Toy, Thing)

    assert [column.name for column in table.columns] == ["thing_ptr_id"]
    assert [(key.target, key.unique) for key in table.foreign_keys] == [("shop_thing", True)]


def test_a_relation_to_an_app_that_is_not_installed_is_left_out():
    class Thing(models.Model):
        other = models.ForeignKey("nowhere.Other", models.CASCADE)

        class Meta(InShop):
            pass

    assert read_table(Thing).foreign_keys == ()


def test_a_generic_key_is_told_by_its_columns():
    class Tag(models.Model):
        kind = models.IntegerField(db_column="kind_column")
        number = models.IntegerField()
        thing = GenericForeignKey("kind", "number")

        class Meta(InShop):
            pass

    (key,) = read_table(Tag).generic_keys

    assert (key.name, key.type_column, key.id_column) == ("thing", "kind_column", "number")


def test_the_parent_of_a_model_with_a_table_of_its_own_is_marked():
    class Person(models.Model):
        class Meta(InShop):
            pass

    class Clerk(Person):
        boss = models.ForeignKey(Person, models.CASCADE, related_name="+")

        class Meta(InShop):
            pass

    keys = read_table(Clerk, Person).foreign_keys

    assert {key.name: key.parent_link for key in keys} == {"person_ptr": True, "boss": False}


def test_a_generic_key_knows_the_tables_that_declare_the_way_back():
    class ContentType(models.Model):
        class Meta:
            app_label = "contenttypes"

    class Tag(models.Model):
        kind = models.ForeignKey(ContentType, models.CASCADE)
        number = models.IntegerField()
        thing = GenericForeignKey("kind", "number")

        class Meta(InShop):
            pass

    class Photo(models.Model):
        tags = GenericRelation(Tag, content_type_field="kind", object_id_field="number")

        class Meta(InShop):
            pass

    class Other(models.Model):
        tags = GenericRelation(Tag)

        class Meta(InShop):
            pass

    (key,) = read_table(Tag, ContentType, Photo, Other).generic_keys

    assert key == GenericKey("thing", "kind_id", "number", targets=("shop_photo",))


def test_a_model_that_is_swapped_out_is_told_with_its_replacement(registry, settings):
    class Person(models.Model):
        class Meta(InShop):
            pass

    settings.SHOP_CUSTOMER_MODEL = "users.User"

    class Customer(models.Model):
        """Who buys."""

        class Meta(InShop):
            swappable = "SHOP_CUSTOMER_MODEL"

    table = read(get_user_model(), Person, Customer).table_by_name["users"]

    assert (table.model, table.other_models) == (
        "users.User",
        (OtherModel("shop.Customer", "swapped out", "Who buys."),),
    )
    assert "shop_customer" not in read(Person, Customer).table_by_name


def test_a_model_that_is_swapped_for_one_that_is_not_installed_is_left_out(settings):
    settings.SHOP_CUSTOMER_MODEL = "nowhere.Customer"

    class Customer(models.Model):
        class Meta(InShop):
            swappable = "SHOP_CUSTOMER_MODEL"

    assert read(Customer).tables == ()
