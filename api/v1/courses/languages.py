"""In which languages a caller wants to read."""

from django.utils.translation.trans_real import parse_accept_lang_header
from rest_framework.request import Request

from api.core.callers import caller_of
from tenant_apps.people.selectors.profile import preferred_language


def asked_languages(request: Request) -> list[str]:
    """Return BCP 47 tags, the best liked first: of `?language=`, else of the header Accept-Language, else the
    member's own; empty where nobody said anything."""
    named = request.query_params.get("language")
    if named:
        return [named]
    header = request.headers.get("Accept-Language", "")
    accepted = [tag for tag, _ in parse_accept_lang_header(header.lower()) if tag != "*"]
    if accepted:
        return accepted
    member_id = caller_of(request).membership_id
    own = preferred_language(member_id) if member_id else ""
    return [own] if own else []
