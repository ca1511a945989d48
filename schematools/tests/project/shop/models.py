"""Models with names, types, keys and rules that have broken documentation tools."""

import uuid
from decimal import Decimal
from functools import partial

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def nobody():
    return None


class Stamped(models.Model):
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class Customer(Stamped):
    """Someone who buys; <b>not</b> `Visitor` | anybody.

    Kept for ten years.
    """

    class Tier(models.TextChoices):
        GOLD = "gold", _("Gold")
        PLAIN = "plain", _("No tier | none")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(help_text=_("Where the <a href='/bill'>bill</a> | invoice goes."))
    tier = models.CharField(max_length=8, choices=Tier.choices, default=Tier.PLAIN)
    friends = models.ManyToManyField("self", blank=True)
    follows = models.ManyToManyField("self", symmetrical=False, related_name="followers")
    groups = models.ManyToManyField("auth.Group", related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="shop_customer_email_uniq"),
        ]


class VipCustomer(Customer):
    class Meta:
        proxy = True


class Wholesaler(Customer):
    licence = models.TextField(db_comment="Number of the licence")


class Category(models.Model):
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children")
    direction = models.SmallIntegerField(db_default=0, db_column="direction LR")

    class Meta:
        unique_together = [("parent", "direction")]
        db_table_comment = "Tree of categories"


class Product(models.Model):
    sku = models.SlugField(unique=True)
    price = models.DecimalField(max_digits=10, decimal_places=2, default=Decimal("0.00"))
    stock = models.PositiveIntegerField(default=partial(int, "7"))
    gross = models.GeneratedField(
        expression=F("price") * 2,
        output_field=models.DecimalField(max_digits=12, decimal_places=2),
        db_persist=True,
    )
    label = models.CharField(max_length=20, default='it\'s 100% "fine"\\')
    data = models.JSONField(default=dict)
    changed_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(default=timezone.now)
    categories = models.ManyToManyField(Category, through="ProductCategory")
    replaced_by = models.OneToOneField("self", models.SET(nobody), null=True)

    class Meta:
        indexes = [
            models.Index(F("price").desc(nulls_last=True), "sku", name="shop_product_price"),
            models.Index(Lower("label"), name="shop_product_label"),
            models.Index(
                fields=["-stock"],
                condition=Q(stock__gt=0) & ~Q(label__startswith="x'%"),
                include=["sku"],
                name="shop_product_stock",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(price__gte=0) | Q(label__in={"free", "gift", "sample", "loan"}),
                name="shop_product_price_check",
            ),
            models.UniqueConstraint(
                fields=["label"],
                condition=Q(stock__gt=0),
                include=["price"],
                name="shop_product_label_uniq",
            ),
            models.UniqueConstraint(
                fields=["stock", "price"],
                deferrable=models.Deferrable.DEFERRED,
                name="shop_product_deferred",
            ),
        ]


class ProductCategory(models.Model):
    pk = models.CompositePrimaryKey("product_id", "category_id")
    product = models.ForeignKey(Product, models.CASCADE)
    category = models.ForeignKey(Category, models.RESTRICT, db_constraint=False)
    rank = models.IntegerField(null=True)


class Order(models.Model):
    """An order."""

    number = models.CharField(primary_key=True, max_length=12)
    customer = models.ForeignKey(Customer, models.DO_NOTHING)
    placed_on = models.DateField()
    products = models.ManyToManyField(Product)


class Tag(models.Model):
    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.CharField(max_length=40)
    thing = GenericForeignKey("content_type", "object_id")


class Awkward(models.Model):
    """One column for each way to break a diagram."""

    key = models.AutoField(primary_key=True, db_column="PK")
    quoted = models.TextField(db_column='say "hi"')
    spaced = models.TextField(db_column="two words")
    dotted = models.TextField(db_column="a.b|c")
    dunder = models.TextField(db_column="__init__", help_text="__init__ and a*b*c `x` <i>i</i>")
    digits = models.TextField(db_column="1st")
    unicode = models.TextField(
        db_column="größe", help_text="\U0001f600 100% \\ #35; {x} %% --> end"
    )
    reserved = models.TextField(db_column="select")
    listed = models.TextField(help_text="1. first")
    linked = models.TextField(help_text="See https://example.org/a_b or me@example.org")
    long = models.TextField(help_text="word " * 40)
    aimless = models.ForeignKey("auth.User", models.CASCADE, db_column="fk")

    class Meta:
        db_table = 'order "by" %s; direction LR \\ {*x*} __y__ 1. \U0001f600'


class Reserved(models.Model):
    awkward = models.ForeignKey(Awkward, models.CASCADE, related_name="reservations")

    class Meta:
        db_table = "end"


class Report(models.Model):
    total = models.IntegerField()

    class Meta:
        managed = False
        db_table = "shop_report_view"


class CustomerTwin(models.Model):
    class Meta:
        managed = False
        db_table = "shop_customer"


class Longest(models.Model):
    """A name as long as PostgreSQL's names may be."""

    class Meta:
        db_table = "a" * 63


class Keyword(models.Model):
    """Named like what SQL says."""

    group = models.ForeignKey(Reserved, models.CASCADE, db_column="group", related_name="+")
    peers = models.ManyToManyField("self")

    class Meta:
        db_table = "select"


class Photo(models.Model):
    tags = GenericRelation(Tag)
