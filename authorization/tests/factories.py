import factory
from django.contrib.auth.models import Permission

from authorization.models import Role, RoleAssignment, RolePermission, RoleScope
from users.tests.factories import UserFactory


class RoleFactory(factory.django.DjangoModelFactory):
    """A role; ``permissions=["items.view_item"]`` lets it hold some."""

    class Meta:
        model = Role
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Role {n}")
    slug = factory.Sequence(lambda n: f"role-{n}")
    scope = RoleScope.GLOBAL

    @factory.post_generation
    def permissions(self, create, extracted, **kwargs):
        for label in extracted or ():
            app_label, codename = label.split(".")
            permission = Permission.objects.get(
                content_type__app_label=app_label, codename=codename
            )
            RolePermission.objects.create(role=self, permission=permission)


class RoleAssignmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RoleAssignment

    user = factory.SubFactory(UserFactory)
    role = factory.SubFactory(RoleFactory)
