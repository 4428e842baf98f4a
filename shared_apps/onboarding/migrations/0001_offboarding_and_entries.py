"""The end of an organization with its receipt, and operators' entries."""

from django.db import migrations, models

import shared_apps.core.clock
import shared_apps.core.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="DeletionReceipt",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_apps.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("organization_id", models.UUIDField(unique=True)),
                ("slug", models.CharField(max_length=63)),
                ("statement", models.TextField()),
                ("signature", models.CharField(max_length=120)),
                ("public_key", models.CharField(max_length=60)),
                ("signed_at", models.DateTimeField()),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Offboarding",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_apps.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("organization_id", models.UUIDField()),
                ("slug", models.CharField(max_length=63)),
                ("name", models.CharField(max_length=200)),
                ("asked_by", models.CharField(max_length=254)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("delete_after", models.DateTimeField()),
                ("previous", models.JSONField(default=dict)),
                ("export_asked_at", models.DateTimeField(blank=True, null=True)),
                ("export", models.JSONField(blank=True, default=dict)),
                ("waived_by", models.CharField(blank=True, max_length=254)),
                ("waiver", models.CharField(blank=True, max_length=500)),
                ("problem", models.CharField(blank=True, max_length=60)),
                ("steps", models.JSONField(blank=True, default=dict)),
                ("before", models.JSONField(blank=True, default=dict)),
                ("after", models.JSONField(blank=True, default=dict)),
                ("kept_at", models.DateTimeField(blank=True, null=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at__isnull", True), ("kept_at__isnull", True)),
                        fields=("organization_id",),
                        name="one_open_offboarding",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SupportEntry",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_apps.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("organization_id", models.UUIDField()),
                ("operator_id", models.UUIDField()),
                ("operator_label", models.CharField(max_length=254)),
                ("reason", models.CharField(max_length=500)),
                ("sign_in_id", models.UUIDField(unique=True)),
                ("ends_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("ended_by", models.CharField(blank=True, max_length=254)),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [models.Index(fields=["organization_id", "-id"], name="entry_by_organization")],
            },
        ),
    ]
