from django.db import migrations, models


class Migration(migrations.Migration):
    """Makes no table: the model is there for its permission alone."""

    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="DatabaseSchema",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "verbose_name": "database schema",
                "verbose_name_plural": "database schema",
                "managed": False,
                "default_permissions": ("view",),
                "base_manager_name": "objects",
            },
        ),
    ]
