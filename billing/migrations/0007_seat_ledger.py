"""The ledger of seats, and the monthly statements that are reckoned from it."""

import django.db.models.deletion
from django.db import migrations, models

import shared_apps.core.clock
import shared_apps.core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0006_seat_endings"),
        ("tenants", "0004_run_holder_and_steps"),
    ]

    operations = [
        migrations.CreateModel(
            name="SeatEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("organization_id", models.UUIDField()),
                ("subscription_id", models.UUIDField()),
                ("version", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("bought", "Bought or given back"),
                            ("comped", "Given on top"),
                            ("assigned", "Given to somebody who has not joined yet"),
                            ("activated", "Its holder joined, or had joined when it was given"),
                            ("revoked", "Taken back"),
                        ],
                        max_length=10,
                    ),
                ),
                ("seats", models.IntegerField()),
                ("membership_id", models.UUIDField(null=True)),
                ("assignment_id", models.UUIDField(null=True)),
                ("purchased_after", models.IntegerField()),
                ("used_after", models.IntegerField()),
                ("cause", models.CharField(blank=True, db_default="", max_length=20)),
                ("cause_id", models.UUIDField(null=True)),
                ("actor_id", models.UUIDField(null=True)),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [
                    models.Index(fields=["organization_id", "-id"], name="seat_entry_by_organization"),
                    models.Index(fields=["membership_id", "-id"], name="seat_entry_by_member"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subscription_id", "version"), name="one_entry_a_version"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("used_after__gte", 0), ("used_after__lte", models.F("purchased_after"))
                        ),
                        name="entry_used_within_purchased",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SeatStatement",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_apps.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("purchased_seconds", models.BigIntegerField()),
                ("used_seconds", models.BigIntegerField()),
                ("active_seconds", models.BigIntegerField()),
                ("invoiced_minor", models.BigIntegerField()),
                ("derived_minor", models.BigIntegerField()),
                ("people", models.PositiveIntegerField()),
                ("content", models.JSONField()),
                ("content_hash", models.CharField(max_length=64)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.organization",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.subscription",
                    ),
                ),
            ],
            options={
                "ordering": ("-starts_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="StatementHolding",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("position", models.PositiveIntegerField()),
                ("assignment_id", models.UUIDField()),
                ("membership_id", models.UUIDField()),
                ("name", models.CharField(blank=True, max_length=200)),
                ("email", models.CharField(blank=True, max_length=254)),
                ("held_from", models.DateTimeField()),
                ("held_to", models.DateTimeField()),
                ("active_from", models.DateTimeField(null=True)),
                (
                    "statement",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="holdings",
                        to="billing.seatstatement",
                    ),
                ),
            ],
            options={
                "ordering": ("position",),
            },
        ),
        migrations.AddIndex(
            model_name="seatstatement",
            index=models.Index(fields=["organization", "-starts_at"], name="statement_by_organization"),
        ),
        migrations.AddConstraint(
            model_name="seatstatement",
            constraint=models.UniqueConstraint(
                fields=("subscription", "starts_at"), name="one_statement_a_month"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementholding",
            constraint=models.UniqueConstraint(
                fields=("statement", "position"), name="one_holding_a_position"
            ),
        ),
    ]
