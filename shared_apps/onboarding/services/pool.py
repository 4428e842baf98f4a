"""Operators act on the pool of ready schemas."""

import uuid

from shared_apps.audit.services import do_record
from shared_apps.core.actors import Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.jobs import enqueue
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from shared_apps.onboarding.errors import SchemaNotFailed
from shared_apps.onboarding.policies import ORGANIZATIONS_MANAGE
from tenants.enums import SchemaState
from tenants.models import TenantSchema
from tenants.services.pool import do_restart_build


def build_schema_again(*, actor: Actor, schema_id: uuid.UUID) -> TenantSchema:
    """Have a schema whose build failed built again now, instead of at one of the next refills.

    The caller sees `building`; a task does the work, and the refill does it should the task be lost.

    Raises:
        NotFound: there is none.
        SchemaNotFailed: it is in another state, built meanwhile for example.
    """
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        if not TenantSchema.objects.filter(id=schema_id).exists():
            raise NotFound(schema=str(schema_id))
        schema, was = do_restart_build(schema_id)
        if was != SchemaState.FAILED:
            raise SchemaNotFailed(state=was)
        do_record(
            actor=actor,
            action="schemas.build_again",
            organization_id=None,
            target=schema,
            changes={"state": [was, schema.state], "error": schema.error[:500]},
        )
        enqueue("tenants.build_again", organization_id=None, schema_id=schema_id)
    return schema


def refill_now(*, actor: Actor) -> None:
    """Have the pool filled now, instead of at beat's next bell; for an operator who expects a wave."""
    with entry_transaction():
        require(actor, ORGANIZATIONS_MANAGE)
        do_record(actor=actor, action="schemas.refill", organization_id=None)
        enqueue("tenants.refill_ready_schemas", organization_id=None)
