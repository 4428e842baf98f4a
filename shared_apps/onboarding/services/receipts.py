"""The signed receipt of a deletion: made by us, checked by anybody who has the public key."""

import json
from typing import Any

from django.conf import settings

from shared_apps.core import clock
from shared_apps.core.signing import is_signed, key_id, public_key, sign
from shared_apps.core.transactions import require_transaction
from shared_apps.onboarding.errors import ReceiptNotValid
from shared_apps.onboarding.models import DeletionReceipt, Offboarding
from shared_apps.onboarding.services.remains import kept_rows

KIND = "palaestra.deletion-receipt"
VERSION = 1


def do_sign_receipt(offboarding: Offboarding) -> DeletionReceipt:
    """Write down what a finished offboarding deleted and kept, and sign it."""
    require_transaction()
    now = clock.now()
    key = public_key()
    statement = {
        "kind": KIND,
        "version": VERSION,
        "platform": settings.PLATFORM_HOST,
        "organization": {
            "id": str(offboarding.organization_id),
            "name": offboarding.name,
            "slug": offboarding.slug,
        },
        "asked": {
            "at": offboarding.created_at.isoformat(),
            "by": offboarding.asked_by,
            "reason": offboarding.reason,
            "delete_after": offboarding.delete_after.isoformat(),
        },
        "export": _export_of(offboarding),
        "steps": offboarding.steps,
        "before": offboarding.before,
        "after": offboarding.after,
        "kept": kept_rows(offboarding.after),
        "elsewhere": {
            "queue": "a task of the organization that comes after this is refused by every worker",
            "search": "no search engine holds data of organizations",
            "backups": "backups made before end with their own retention",
        },
        "signed_at": now.isoformat(),
        "key_id": key_id(key),
    }
    text = canonical(statement)
    receipt, _ = DeletionReceipt.objects.get_or_create(
        organization_id=offboarding.organization_id,
        defaults={
            "slug": offboarding.slug,
            "statement": text,
            "signature": sign(text.encode()),
            "public_key": key,
            "signed_at": now,
        },
    )
    return receipt


def document_of(receipt: DeletionReceipt) -> dict[str, Any]:
    """Return the receipt as it is handed out."""
    return {
        "statement": json.loads(receipt.statement),
        "signature": receipt.signature,
        "algorithm": "ed25519",
        "public_key": receipt.public_key,
    }


def check_receipt(document: bytes, *, trusted_key: str) -> dict[str, Any]:
    """Return the statement of a receipt that was signed with the key and not changed since.

    Args:
        document: the file as it was handed out.
        trusted_key: the platform's public key, base64, from where the reader trusts it; the one inside the
            document proves nothing.

    Raises:
        ReceiptNotValid: it is something else; fact `why`.
    """
    try:
        read = json.loads(document)
        statement, signature = read["statement"], str(read["signature"])
        if statement["kind"] != KIND:
            raise ReceiptNotValid(why="it is no receipt of a deletion")
    except (ValueError, KeyError, TypeError) as error:
        raise ReceiptNotValid(why="it is no receipt") from error
    if not is_signed(canonical(statement).encode(), signature, trusted_key):
        raise ReceiptNotValid(why="the signature is not of this statement and key")
    return dict(statement)


def canonical(statement: dict[str, Any]) -> str:
    """Return the one spelling of a statement that is signed: sorted, without spaces, UTF-8; no fractions."""
    return json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _export_of(offboarding: Offboarding) -> dict[str, Any]:
    if offboarding.waiver:
        return {"state": "waived", "by": offboarding.waived_by, "why": offboarding.waiver}
    return {"state": "finished", **offboarding.export}
