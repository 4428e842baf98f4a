"""Cards of instructors: their own words, and what administrators decided about them."""

import uuid
from typing import Any, Final, TypedDict, Unpack

from shared_apps.core import clock
from shared_apps.core.actors import STAFF, Actor
from shared_apps.core.errors import NotFound
from shared_apps.core.policies import require
from shared_apps.core.transactions import entry_transaction
from tenant_apps.courses.content.addresses import check_https_url
from tenant_apps.courses.content.errors import AddressRefused, ContentError
from tenant_apps.courses.content.sanitize import render_markdown
from tenant_apps.courses.enums import INSTRUCTOR_MOVES, InstructorState
from tenant_apps.courses.errors import (
    InstructorMoveRefused,
    LessonContentRefused,
    LinkRefused,
    MemberCannotAuthor,
    TextTooLong,
)
from tenant_apps.courses.locks import profile_to_change
from tenant_apps.courses.models import InstructorProfile
from tenant_apps.courses.policies import DECIDE_INSTRUCTORS, OWN_CARD
from tenant_apps.courses.selectors.authors import find_author
from tenant_apps.courses.services.content import plain_summary, plain_title
from tenant_apps.courses.services.steps import do_audit

MOST_HEADLINE: Final = 200
MOST_SHORT_BIO: Final = 500


class Merit(TypedDict, total=False):
    """A certification or an achievement; `year` may be missing."""

    title: str
    issuer: str
    year: int | None


class CardFacts(TypedDict, total=False):
    """What an instructor says of themself; a key left out stays. `bio` is Markdown, `links` name sites."""

    headline: str
    short_bio: str
    bio: str
    expertise: list[str]
    links: dict[str, str]
    certifications: list[Merit]
    achievements: list[Merit]


def update_own_card(*, actor: Actor, **facts: Unpack[CardFacts]) -> None:
    """Write one's own card. A new card, and a rejected one that was changed, waits for an administrator; an
    approved one stays approved.

    Raises:
        Forbidden: the role makes no courses.
        TextEmpty, TextTooLong, LessonContentRefused: a text.
        LinkRefused: an address is not https, or not plainly one.
    """
    with entry_transaction():
        require(actor, OWN_CARD)
        profile = _locked(actor.member_id)
        clean = _cleaned(facts)
        changed = sorted(name for name, value in clean.items() if getattr(profile, name) != value)
        if not changed:
            return
        for name in changed:
            setattr(profile, name, clean[name])
        if profile.state == InstructorState.REJECTED:
            profile.state, profile.state_reason = InstructorState.PENDING, ""
            profile.state_changed_at = clock.now()
            changed += ["state", "state_reason", "state_changed_at"]
        profile.updated_at = clock.now()
        profile.save(update_fields=[*changed, "updated_at"])
        do_audit(actor=actor, action=OWN_CARD.name, target=profile, changed=changed)


def decide_instructor(*, actor: Actor, member_id: uuid.UUID, state: str, reason: str = "") -> None:
    """Approve, reject or suspend an instructor, from the next request on; their courses stay readable, and
    the same decision again changes nothing. Who has no card yet gets an empty one with the state.

    Args:
        actor: who acts.
        member_id: the instructor.
        state: of `InstructorState`, not "pending".
        reason: told to the instructor.

    Raises:
        Forbidden: the actor may not.
        NotFound: no such active member.
        MemberCannotAuthor: the member's role makes no courses.
        InstructorMoveRefused: `INSTRUCTOR_MOVES` has no such move.
    """
    with entry_transaction():
        require(actor, DECIDE_INSTRUCTORS)
        member = find_author(member_id=member_id)
        if member is None:
            raise NotFound
        if member.role not in STAFF:
            raise MemberCannotAuthor(role=member.role)
        profile = _locked(member_id)
        before, wanted = InstructorState(profile.state), InstructorState(state)
        if before is wanted:
            return
        if wanted not in INSTRUCTOR_MOVES[before]:
            raise InstructorMoveRefused(state=before, allowed=sorted(INSTRUCTOR_MOVES[before]))
        profile.state, profile.state_reason = wanted, reason
        profile.state_changed_at = profile.updated_at = clock.now()
        profile.save(update_fields=["state", "state_reason", "state_changed_at", "updated_at"])
        said = {"reason": reason} if reason else {}
        do_audit(actor=actor, action=DECIDE_INSTRUCTORS.name, target=profile, state=[before, wanted], **said)


def _locked(member_id: uuid.UUID) -> InstructorProfile:
    """Return the member's card locked, made if there is none; two first edits at once make one."""
    InstructorProfile.objects.bulk_create([InstructorProfile(member_id=member_id)], ignore_conflicts=True)
    return profile_to_change(member_id).get()


def _cleaned(facts: CardFacts) -> dict[str, Any]:
    clean: dict[str, Any] = dict(facts)
    if "headline" in facts:
        clean["headline"] = _line(facts["headline"], field="headline", limit=MOST_HEADLINE)
    if "short_bio" in facts:
        clean["short_bio"] = _line(facts["short_bio"], field="short_bio", limit=MOST_SHORT_BIO)
    if "bio" in facts:
        try:
            clean["bio_html"] = render_markdown(facts["bio"])
        except ContentError as error:
            raise LessonContentRefused(field="bio", reason=error.code) from error
    if "expertise" in facts:
        topics = [plain_title(topic, field="expertise") for topic in facts["expertise"]]
        clean["expertise"] = list(dict.fromkeys(topics))
    if "links" in facts:
        clean["links"] = {
            plain_title(site, field="links"): _address(site, address)
            for site, address in facts["links"].items()
        }
    for name in ("certifications", "achievements"):
        if name in clean:
            clean[name] = [_merit(merit, name) for merit in clean[name]]
    return clean


def _merit(merit: Merit, field: str) -> dict[str, Any]:
    return {
        "title": plain_title(merit["title"], field=field),
        "issuer": _line(merit.get("issuer", ""), field=field, limit=MOST_HEADLINE),
        "year": merit.get("year"),
    }


def _address(site: str, address: str) -> str:
    try:
        return check_https_url(address)
    except AddressRefused as error:
        raise LinkRefused(field="links", site=site, reason=error.rule) from error


def _line(text: str, *, field: str, limit: int) -> str:
    line = plain_summary(text)
    if len(line) > limit:
        raise TextTooLong(field=field, limit=limit)
    return line
