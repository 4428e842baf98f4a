"""Companies that sign themselves up."""

from django.db import migrations, models

import shared_apps.core.clock
import shared_apps.core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("onboarding", "0001_offboarding_and_entries"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignUp",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_apps.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("unverified", "Waits for its e-mail address"),
                            ("verified", "Waits for its payment page"),
                            ("paying", "On the payment page"),
                            ("provisioning", "Paid, being set up"),
                            ("ready", "Ready"),
                            ("expired", "Expired"),
                            ("canceled", "Canceled by an operator"),
                            ("needs_attention", "Paid, needs an operator"),
                            ("refunded", "Paid back"),
                        ],
                        default="unverified",
                        max_length=16,
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("slug", models.CharField(max_length=63)),
                ("held_name", models.CharField(blank=True, max_length=200, null=True, unique=True)),
                ("held_skeleton", models.CharField(blank=True, max_length=63, null=True, unique=True)),
                ("timezone", models.CharField(default="UTC", max_length=64)),
                ("language", models.CharField(default="en", max_length=12)),
                ("owner_name", models.CharField(max_length=200)),
                ("email", models.EmailField(max_length=254)),
                ("verified_at", models.DateTimeField(blank=True, null=True)),
                ("plan_code", models.CharField(max_length=40)),
                (
                    "interval",
                    models.CharField(
                        choices=[("month", "Month"), ("quarter", "Quarter"), ("year", "Year")], max_length=8
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("seats", models.PositiveIntegerField()),
                ("card_later", models.BooleanField(default=False)),
                ("trial_days", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("trial_mark", models.BinaryField(max_length=32)),
                ("secret_hash", models.BinaryField(max_length=32)),
                ("token_hash", models.BinaryField(blank=True, max_length=32, null=True)),
                ("token_sent_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField()),
                ("closing_at", models.DateTimeField(blank=True, null=True)),
                ("checkout_id", models.UUIDField(blank=True, null=True)),
                ("organization_id", models.UUIDField(blank=True, null=True)),
                ("problem", models.CharField(blank=True, max_length=60)),
                ("ended_by", models.CharField(blank=True, max_length=254)),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["status", "expires_at"], name="sign_up_by_end"),
                    models.Index(fields=["trial_mark"], name="sign_up_by_trial_mark"),
                    models.Index(fields=["organization_id"], name="sign_up_by_organization"),
                ],
            },
        ),
    ]
