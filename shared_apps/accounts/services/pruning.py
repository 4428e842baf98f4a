"""Forget sign-ins that let nobody in any more."""

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef

from shared_apps.accounts.models import RefreshToken, SignIn
from shared_apps.core import clock
from shared_apps.core.pruning import delete_in_batches


def prune_sign_ins() -> int:
    """Delete expired sessions and refresh tokens, and sign-ins past their time that have neither any more;
    return how many rows.

    A used refresh token stays until it expires: met again before, it says that a family was stolen.
    """
    now = clock.now()
    before = now - settings.KEEP_SIGN_INS
    deleted = delete_in_batches(Session.objects.filter(expire_date__lt=now))
    deleted += delete_in_batches(RefreshToken.objects.filter(expires_at__lt=now))
    living = [
        Exists(RefreshToken.objects.filter(sign_in=OuterRef("pk"))),
        Exists(Session.objects.filter(session_key=OuterRef("session_key"))),
    ]
    over = SignIn.objects.filter(~living[0], ~living[1], created_at__lt=before)
    return deleted + delete_in_batches(over.exclude(last_used_at__gte=before))
