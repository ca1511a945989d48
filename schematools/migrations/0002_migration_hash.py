from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("schematools", "0001_database_schema")]

    operations = [
        migrations.CreateModel(
            name="MigrationHash",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("app", models.CharField(max_length=255)),
                ("name", models.CharField(max_length=255)),
                ("source_hash", models.CharField(max_length=64)),
                ("content_hash", models.CharField(max_length=64)),
            ],
            options={
                "db_table": "schematools_migration_hashes",
                "default_permissions": (),
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("app", "name"), name="schematools_migrationhash_app_name_uniq"
                    )
                ],
            },
        ),
    ]
