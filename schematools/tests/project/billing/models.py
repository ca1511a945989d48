from django.db import models


class Invoice(models.Model):
    order = models.OneToOneField("shop.Order", models.PROTECT, primary_key=True)
    payer = models.ForeignKey("auth.User", models.SET_NULL, null=True, related_name="+")
    number = models.CharField(max_length=20, unique=True, null=True, blank=True)
