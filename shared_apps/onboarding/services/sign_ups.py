"""A company signs itself up: its names are held, its owner's address is verified.

Nobody is signed in. Whoever made the sign-up has its secret, of which we keep a hash; whoever reads the mail
gets another. Nothing here looks at accounts, so no answer tells whether the address has one.
"""

import dataclasses
import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from billing.enums import Interval
from billing.services.customers.sign_up_purchases import Offer, get_offer, had_trial
from shared_apps.accounts.services.throttles import count_attempt
from shared_apps.audit.services import do_record
from shared_apps.core import clock
from shared_apps.core.actors import Actor
from shared_apps.core.errors import DomainError, NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction, require_transaction
from shared_apps.onboarding.enums import SignUpStatus
from shared_apps.onboarding.errors import (
    CompanyNameHeld,
    SignUpClosed,
    SignUpMailedJustNow,
    SignUpOver,
    SignUpVerified,
    UnknownTimezone,
    VerificationNotValid,
)
from shared_apps.onboarding.models import SignUp
from shared_apps.onboarding.parsing import comparable, parse_company_name, parse_owner_email
from shared_apps.onboarding.policies import SIGN_UP
from shared_apps.onboarding.services.sign_up_mails import do_mail_verification
from shared_apps.onboarding.tokens import digest, fits, new_token, secret_for, trial_mark
from shared_apps.onboarding.types import NewSignUp, is_timezone
from tenants.errors import NameNotAvailable
from tenants.names import check_name, skeleton
from tenants.services.organizations import do_refuse_taken

_OVER = frozenset({SignUpStatus.EXPIRED, SignUpStatus.CANCELED, SignUpStatus.REFUNDED})
# In these somebody is on a trial, or about to be.
_ON_TRIAL = (
    SignUpStatus.PAYING,
    SignUpStatus.PROVISIONING,
    SignUpStatus.READY,
    SignUpStatus.NEEDS_ATTENTION,
)


def create_sign_up(*, actor: Actor, wish: NewSignUp, creation_key: str | None = None) -> tuple[SignUp, str]:
    """Hold the company's names and mail its owner; return the sign-up and its secret, which exists only here.

    Args:
        creation_key: names this one wish; the same key and wish again answer the sign-up of the first time.

    Raises:
        SignUpClosed: this installation takes none.
        NameMalformed, NameNotAvailable: the subdomain cannot be had.
        CompanyNameMalformed, CompanyNameHeld, EmailNotAccepted, UnknownTimezone: not with these words.
        PaymentsNotSetUp, PriceNotOffered, PlanNotOffered, SeatsOutsidePlan: it is not sold so.
        TooManyAttempts: too many from one address, or for one.
    """
    require(actor, SIGN_UP)
    if not settings.SIGN_UP_OPEN or settings.SINGLE_ORGANIZATION:
        raise SignUpClosed
    slug, name, email = check_name(wish.slug), parse_company_name(wish.name), parse_owner_email(wish.email)
    if not is_timezone(wish.timezone):
        raise UnknownTimezone(field="timezone", timezone=wish.timezone)
    get_offer(plan_code=wish.plan, interval=wish.interval, currency=wish.currency, seats=wish.seats)
    count_attempt("sign_up", account=email, address=actor.address)
    secret = secret_for(creation_key, dataclasses.asdict(wish))
    with entry_transaction():
        made = _do_find_repeat(slug, secret) if creation_key is not None else None
        if made is not None:
            return made, secret
        do_refuse_taken(slug, owner_id=None)
        row, token = _do_insert(wish, slug=slug, name=name, email=email, secret=secret)
        do_mail_verification(row, token)
        _record(actor, "sign_ups.create", row, slug=slug)
    return row, secret


def verify_sign_up(
    *, actor: Actor, sign_up_id: uuid.UUID, token: str, secret: str | None = None
) -> tuple[SignUp, str | None]:
    """Take the token of the mail; return the sign-up, and a new secret for whoever came without the first.

    People open the mail on another device than the one they began on. The token is good once; who has the
    sign-up's secret may say it again.

    Raises:
        VerificationNotValid: unknown, used, or replaced by a newer mail's.
        TooManyAttempts: too many from one address.
    """
    require(actor, SIGN_UP)
    count_attempt("sign_up_verify", account=str(sign_up_id), address=actor.address)
    with entry_transaction():
        row = SignUp.objects.select_for_update(no_key=True).filter(id=sign_up_id).first()
        if row is None:
            raise VerificationNotValid(field="token")
        knows_secret = fits(secret, row.secret_hash)
        if row.verified_at is not None and knows_secret:
            return row, None
        if row.status != SignUpStatus.UNVERIFIED or not fits(token, row.token_hash):
            raise VerificationNotValid(field="token")
        now = clock.now()
        row.status, row.verified_at, row.token_hash = SignUpStatus.VERIFIED, now, None
        row.expires_at = now + settings.SIGN_UP_UNPAID
        row.trial_days = do_count_trial_days(row)
        fresh = None if knows_secret else secret_for(None, {})
        if fresh is not None:
            row.secret_hash = digest(fresh)
        row.save_fields("status", "verified_at", "token_hash", "expires_at", "trial_days", "secret_hash")
        _record(actor, "sign_ups.verify", row)
    return row, fresh


def resend_verification_mail(*, actor: Actor, sign_up_id: uuid.UUID, secret: str | None) -> SignUp:
    """Send the mail again, with another token; the one before becomes void.

    Raises:
        NotFound: no such sign-up, or not with this secret.
        SignUpVerified, SignUpOver: no mail is needed.
        SignUpMailedJustNow: less than SIGN_UP_MAIL_PAUSE ago.
        TooManyAttempts: too many mails to one address or asked from one.
    """
    require(actor, SIGN_UP)
    with entry_transaction():
        row = do_open(sign_up_id, secret)
        if row.status in _OVER:
            raise SignUpOver(status=row.status)
        if row.status != SignUpStatus.UNVERIFIED:
            raise SignUpVerified
        now = clock.now()
        rest = settings.SIGN_UP_MAIL_PAUSE - (now - (row.token_sent_at or row.created_at))
        if rest > timedelta(0):
            raise SignUpMailedJustNow(retry_after_seconds=max(1, round(rest.total_seconds())))
        count_attempt("mail", account=row.email, address=actor.address)
        token = new_token()
        row.token_hash, row.token_sent_at = digest(token), now
        row.save_fields("token_hash", "token_sent_at")
        do_mail_verification(row, token)
    return row


def do_open(sign_up_id: uuid.UUID, secret: str | None) -> SignUp:
    """Return the sign-up, locked, for whoever has its secret.

    Raises:
        NotFound: there is none, or the secret is another one. Which, isn't said.
    """
    require_transaction()
    row = SignUp.objects.select_for_update(no_key=True).filter(id=sign_up_id).first()
    if row is None or not fits(secret, row.secret_hash):
        raise NotFound(sign_up=str(sign_up_id))
    return row


def do_count_trial_days(row: SignUp) -> int:
    """Return the days of trial that the sign-up may have: one for each address, whatever became of it.

    Sign-ups of one address wait for each other here until the first one's transaction ends: two at once would
    both find that there was none.
    """
    require_transaction()
    try:
        offer = offer_of(row)
    except DomainError:  # not sold any more; the page to pay on is what is refused for it
        return 0
    if not offer.trial_days:
        return 0
    _do_wait(f"sign-up-trial:{bytes(row.trial_mark).hex()}")
    others = SignUp.objects.filter(trial_mark=row.trial_mark, trial_days__gt=0, status__in=_ON_TRIAL)
    return 0 if others.exclude(id=row.id).exists() or had_trial(row.email) else offer.trial_days


def offer_of(row: SignUp) -> Offer:
    """Return what is asked for what the sign-up wants.

    Raises:
        PaymentsNotSetUp, PriceNotOffered, PlanNotOffered, SeatsOutsidePlan: it is not sold so (any more).
    """
    return get_offer(
        plan_code=row.plan_code, interval=Interval(row.interval), currency=row.currency, seats=row.seats
    )


def do_release_names(row: SignUp) -> None:
    """Hold the names no longer; the caller saves."""
    row.held_name = row.held_skeleton = None


def _do_find_repeat(slug: str, secret: str) -> SignUp | None:
    """Return the sign-up that the same request made before; two at once go one after the other."""
    _do_wait(f"sign-up:{digest(secret).hex()}")
    found = SignUp.objects.filter(held_skeleton=skeleton(slug)).first()
    return found if found is not None and fits(secret, found.secret_hash) else None


def _do_insert(wish: NewSignUp, *, slug: str, name: str, email: str, secret: str) -> tuple[SignUp, str]:
    now, token = clock.now(), new_token()
    row = SignUp(
        name=name,
        slug=slug,
        held_name=comparable(name),
        held_skeleton=skeleton(slug),
        timezone=wish.timezone,
        language=wish.language,
        owner_name=" ".join(wish.owner_name.split()),
        email=email,
        plan_code=wish.plan,
        interval=wish.interval,
        currency=wish.currency,
        seats=wish.seats,
        card_later=wish.card_later,
        trial_mark=trial_mark(email),
        secret_hash=digest(secret),
        token_hash=digest(token),
        token_sent_at=now,
        expires_at=now + settings.SIGN_UP_UNVERIFIED,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:  # two at once: the unique indexes let one through
        if "held_name" in str(error):
            raise CompanyNameHeld(field="name") from error
        raise NameNotAvailable(field="slug", name=slug) from error
    return row, token


def _do_wait(what: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [what])


def _record(actor: Actor, action: str, row: SignUp, **facts: Any) -> None:
    do_record(actor=actor, action=action, organization_id=None, target=row, changes=facts)
