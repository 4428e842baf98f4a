"""What organizations buy at a payment gateway, and what it tells of that.

Indexes on the table that is there already come with the next migration, without keeping it from being used.
"""

import django.contrib.postgres.operations
import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import shared_apps.core.clock
import shared_apps.core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0002_seat_counter"),
        ("tenants", "0004_run_holder_and_steps"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlanPrice",
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
                    "interval",
                    models.CharField(
                        choices=[("month", "Month"), ("quarter", "Quarter"), ("year", "Year")], max_length=8
                    ),
                ),
                ("currency", models.CharField(max_length=3)),
                ("unit_minor", models.PositiveIntegerField()),
                (
                    "tax_behavior",
                    models.CharField(
                        choices=[("exclusive", "Tax comes on top"), ("inclusive", "Tax is included")],
                        default="exclusive",
                        max_length=10,
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("gateway_ref", models.CharField(blank=True, max_length=80, null=True, unique=True)),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="prices", to="billing.plan"
                    ),
                ),
            ],
            options={
                "ordering": ("plan_id", "interval", "currency"),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("is_active", True)),
                        fields=("plan", "interval", "currency"),
                        name="one_price_sold_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("currency__regex", "^[a-z]{3}$")),
                        name="plan_price_currency_is_lower",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Promotion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_apps.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("code", models.CharField(max_length=40, unique=True)),
                ("percent", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("amount_minor", models.PositiveIntegerField(blank=True, null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                (
                    "duration",
                    models.CharField(
                        choices=[
                            ("once", "First invoice"),
                            ("repeating", "Some months"),
                            ("forever", "Always"),
                        ],
                        default="once",
                        max_length=10,
                    ),
                ),
                ("months", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("max_redemptions", models.PositiveIntegerField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("is_active", models.BooleanField(default=True)),
                ("gateway_ref", models.CharField(blank=True, max_length=80, null=True, unique=True)),
                (
                    "plan",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.plan",
                    ),
                ),
            ],
            options={
                "ordering": ("code",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("code", django.db.models.functions.text.Upper("code"))),
                        name="promotion_code_is_upper",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("amount_minor", None),
                                ("currency", ""),
                                ("percent__gte", 1),
                                ("percent__lte", 100),
                            ),
                            models.Q(
                                ("amount_minor__gte", 1),
                                ("percent", None),
                                models.Q(("currency", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="promotion_is_percent_or_amount",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("duration", "repeating"), ("months__gte", 1)),
                            models.Q(models.Q(("duration", "repeating"), _negated=True), ("months", None)),
                            _connector="OR",
                        ),
                        name="promotion_repeats_for_months",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BillingAccount",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_apps.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("gateway_ref", models.CharField(max_length=80, unique=True)),
                ("name", models.CharField(blank=True, max_length=200)),
                ("email", models.EmailField(max_length=254)),
                ("address", models.JSONField(blank=True, default=dict)),
                ("tax_ids", models.JSONField(blank=True, default=list)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("credit_minor", models.BigIntegerField(default=0)),
                ("has_payment_method", models.BooleanField(default=False)),
                ("trial_used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="billing_account",
                        to="tenants.organization",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.CreateModel(
            name="Checkout",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_apps.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("sign_up_id", models.UUIDField(blank=True, null=True)),
                ("customer_ref", models.CharField(blank=True, max_length=80)),
                ("seats", models.PositiveIntegerField()),
                ("trial_days", models.PositiveSmallIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("starting", "Starting"),
                            ("open", "Open"),
                            ("complete", "Complete"),
                            ("expired", "Expired"),
                        ],
                        default="starting",
                        max_length=10,
                    ),
                ),
                ("gateway_ref", models.CharField(blank=True, max_length=120, null=True, unique=True)),
                ("url", models.URLField(blank=True, max_length=2000)),
                ("requested_by_id", models.UUIDField(blank=True, null=True)),
                ("expires_at", models.DateTimeField()),
                ("subscription_ref", models.CharField(blank=True, max_length=80)),
                (
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.organization",
                    ),
                ),
                (
                    "price",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.planprice"
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("starting", "open"))),
                        fields=("organization",),
                        name="one_open_checkout",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ("starting", "open"))),
                        fields=("sign_up_id",),
                        name="one_open_checkout_a_sign_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("organization__isnull", False), ("sign_up_id__isnull", False), _connector="OR"
                        ),
                        name="checkout_is_somebodys",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SubscriptionChange",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("now", "Seats, plan or interval now, charged at once"),
                            ("period_end", "Seats, plan or interval with the next period"),
                            ("cancel", "End with the period"),
                            ("keep", "Go on after all"),
                            ("end", "End now"),
                            ("pause", "Pause"),
                            ("resume", "Resume"),
                            ("extend_trial", "Longer trial"),
                            ("discount", "Promotion code"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "On its way"),
                            ("confirmed", "Confirmed"),
                            ("unpaid", "Waits for its payment"),
                            ("scheduled", "Scheduled"),
                            ("withdrawn", "Withdrawn"),
                            ("failed", "Failed"),
                        ],
                        default="requested",
                        max_length=10,
                    ),
                ),
                ("from_seats", models.PositiveIntegerField()),
                ("to_seats", models.PositiveIntegerField()),
                ("prorated_at", models.DateTimeField(blank=True, null=True)),
                ("preview_minor", models.BigIntegerField(blank=True, null=True)),
                ("facts", models.JSONField(blank=True, default=dict)),
                ("reason", models.CharField(blank=True, max_length=40)),
                ("comment", models.CharField(blank=True, max_length=500)),
                ("problem", models.CharField(blank=True, max_length=100)),
                ("requested_by_id", models.UUIDField(blank=True, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.organization",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="billing.subscription",
                    ),
                ),
                (
                    "to_price",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.planprice",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "requested")),
                        fields=("subscription",),
                        name="one_change_on_its_way",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SubscriptionInvoice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_apps.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("gateway_ref", models.CharField(max_length=80, unique=True)),
                ("number", models.CharField(blank=True, max_length=60)),
                ("status", models.CharField(max_length=20)),
                ("reason", models.CharField(blank=True, max_length=40)),
                ("currency", models.CharField(max_length=3)),
                ("subtotal_minor", models.BigIntegerField()),
                ("discount_minor", models.BigIntegerField()),
                ("tax_minor", models.BigIntegerField()),
                ("total_minor", models.BigIntegerField()),
                ("due_minor", models.BigIntegerField()),
                ("paid_minor", models.BigIntegerField()),
                ("refunded_minor", models.BigIntegerField(default=0)),
                ("payment_ref", models.CharField(blank=True, max_length=80)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("issued_at", models.DateTimeField()),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                ("hosted_url", models.URLField(blank=True, max_length=1000)),
                ("pdf_url", models.URLField(blank=True, max_length=1000)),
                ("lines", models.JSONField(default=list)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.organization",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invoices",
                        to="billing.subscription",
                    ),
                ),
            ],
            options={
                "ordering": ("-issued_at", "-id"),
                "indexes": [
                    models.Index(fields=["organization", "-issued_at"], name="invoice_by_organization")
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_apps.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "On its way to the gateway"),
                            ("pending", "On its way to the payer"),
                            ("succeeded", "Paid back"),
                            ("failed", "Failed"),
                        ],
                        default="requested",
                        max_length=10,
                    ),
                ),
                ("gateway_ref", models.CharField(blank=True, max_length=80, null=True, unique=True)),
                ("note", models.CharField(blank=True, max_length=300)),
                ("problem", models.CharField(blank=True, max_length=100)),
                ("requested_by_id", models.UUIDField(blank=True, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.organization",
                    ),
                ),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="billing.subscriptioninvoice",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount_minor__gt", 0)), name="refund_is_positive"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "requested")),
                        fields=("invoice",),
                        name="one_refund_on_its_way",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="GatewayEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_apps.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("gateway", models.CharField(max_length=20)),
                ("event_key", models.CharField(max_length=120)),
                ("kind", models.CharField(max_length=80)),
                ("object_ref", models.CharField(max_length=120)),
                ("occurred_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("received", "Received"),
                            ("processed", "Processed"),
                            ("ignored", "Not for us"),
                            ("failed", "Failed, tried again"),
                            ("parked", "Parked"),
                        ],
                        default="received",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_try_at", models.DateTimeField()),
                ("processed_at", models.DateTimeField(blank=True, null=True)),
                ("problem", models.CharField(blank=True, max_length=200)),
                ("was_missed", models.BooleanField(default=False)),
            ],
            options={
                "ordering": ("-id",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ("received", "failed"))),
                        fields=["next_try_at"],
                        name="gateway_event_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("gateway", "event_key"), name="one_row_a_message")
                ],
            },
        ),
        migrations.CreateModel(
            name="ObjectSync",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_apps.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("gateway", models.CharField(max_length=20)),
                ("object_ref", models.CharField(max_length=120)),
                ("issued", models.BigIntegerField(default=0)),
                ("applied", models.BigIntegerField(default=0)),
            ],
            options={
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(fields=("gateway", "object_ref"), name="one_count_an_object")
                ],
            },
        ),
        migrations.CreateModel(
            name="Drift",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_apps.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("subject", models.CharField(max_length=120)),
                ("fact", models.CharField(max_length=40)),
                ("ours", models.CharField(blank=True, max_length=200)),
                ("theirs", models.CharField(blank=True, max_length=200)),
                ("last_seen_at", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.organization",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("resolved_at", None)),
                        fields=("subject", "fact"),
                        name="one_open_drift_a_fact",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DunningNotice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=shared_apps.core.ids.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("updated_at", models.DateTimeField(default=shared_apps.core.clock.now, editable=False)),
                ("since", models.DateTimeField()),
                ("stage", models.CharField(max_length=20)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.organization",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="billing.subscription",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subscription", "since", "stage"), name="one_notice_a_stage"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SeatAct",
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
                    "kind",
                    models.CharField(
                        choices=[("assign", "Assigned"), ("revoke", "Revoked"), ("undo", "Undone")],
                        max_length=8,
                    ),
                ),
                ("membership_ids", models.JSONField(default=list)),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("acted_by_id", models.UUIDField(blank=True, null=True)),
                ("undo_until", models.DateTimeField()),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tenants.organization",
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.subscription",
                    ),
                ),
                (
                    "undoes",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undone_by",
                        to="billing.seatact",
                    ),
                ),
            ],
            options={
                "ordering": ("-id",),
            },
        ),
        migrations.AddField(
            model_name="plan",
            name="cooling_hours",
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="plan",
            name="moves_percent",
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="plan",
            name="overuse",
            field=models.CharField(
                choices=[("block", "Refused"), ("grow", "Bought at the plan's price")],
                db_default="block",
                default="block",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="plan",
            name="position",
            field=models.SmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="seatassignment",
            name="given_in_id",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="seatassignment",
            name="taken_in_id",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="subscription",
            name="billed_seats",
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="subscription",
            name="cancels_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="subscription",
            name="comped",
            field=models.IntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="subscription",
            name="gateway_ref",
            field=models.CharField(blank=True, max_length=80, null=True),
        ),
        migrations.AddField(
            model_name="subscription",
            name="grace_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="subscription",
            name="item_ref",
            field=models.CharField(blank=True, db_default="", max_length=80),
        ),
        migrations.AddField(
            model_name="subscription",
            name="past_due_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="subscription",
            name="pending_purchased",
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="subscription",
            name="period_ends_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="subscription",
            name="period_starts_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="subscription",
            name="promotion_code",
            field=models.CharField(blank=True, db_default="", max_length=40),
        ),
        migrations.AddField(
            model_name="subscription",
            name="schedule_ref",
            field=models.CharField(blank=True, db_default="", max_length=80),
        ),
        migrations.AddField(
            model_name="subscription",
            name="seen_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="subscription",
            name="status_reason",
            field=models.CharField(blank=True, db_default="", max_length=60),
        ),
        migrations.AddField(
            model_name="subscription",
            name="told_percent",
            field=models.SmallIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="subscription",
            name="trial_ends_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="subscription",
            name="unpaid_purchased",
            field=models.IntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="subscription",
            name="status",
            field=models.CharField(
                choices=[
                    ("incomplete", "Incomplete"),
                    ("expired", "Expired"),
                    ("trialing", "Trialing"),
                    ("active", "Active"),
                    ("past_due", "Past due"),
                    ("unpaid", "Unpaid"),
                    ("paused", "Paused"),
                    ("canceled", "Canceled"),
                ],
                default="active",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="subscription",
            name="price",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="billing.planprice",
            ),
        ),
        django.contrib.postgres.operations.AddConstraintNotValid(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("pending_purchased", None), ("used__lte", models.F("pending_purchased")), _connector="OR"
                ),
                name="seats_used_within_pending",
            ),
        ),
    ]
