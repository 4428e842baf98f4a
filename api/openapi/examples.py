"""Bodies to show at the operations that an integrator meets first; component -> example."""

from typing import Any

EXAMPLES: dict[str, dict[str, Any]] = {
    "SignInInRequest": {
        "email": "mara.keller@acme.example",
        "password": "quiet-harbour-42-lantern",
        "mode": "token",
    },
    "InviteInRequest": {
        "email": "jon.berg@acme.example",
        "role": "learner",
        "first_name": "Jon",
        "last_name": "Berg",
    },
    "CohortInRequest": {
        "name": "New staff, spring 2027",
        "run_id": "0199f3b2-c5d7-7b1e-8a3f-4c5d6e7f8091",
        "starts_on": "2027-03-01",
        "leave_rule": "keep",
    },
    "RunInRequest": {
        "course_id": "0199f3b2-c5d7-7b1e-8a3f-4c5d6e7f8092",
        "version_id": "0199f3b2-c5d7-7b1e-8a3f-4c5d6e7f8093",
        "title": "Information security, spring 2027",
        "starts_at": "2027-03-01T08:00:00Z",
        "ends_at": "2027-05-31T16:00:00Z",
        "timezone": "Europe/Berlin",
        "capacity": 200,
    },
    "AssignSeatsInRequest": {"member_ids": ["0199f3b2-c5d7-7b1e-8a3f-4c5d6e7f8094"]},
    "CreateCourseInRequest": {
        "slug": "information-security",
        "title": "Information security for new staff",
        "summary": "What everybody here needs to know in the first week.",
        "language": "en",
    },
    "GrantInRequest": {
        "organization_id": "0199f3b2-c5d7-7b1e-8a3f-4c5d6e7f8095",
        "plan": "team",
        "seats": 250,
        "note": "Order 2027-118",
    },
    "OrganizationInRequest": {"name": "Acme", "slug": "acme", "owner_email": "olivia@acme.example"},
    "SignUpInRequest": {
        "name": "Initech",
        "slug": "initech",
        "owner_name": "Ines Initech",
        "email": "ines@initech.example",
        "plan": "growth",
        "interval": "month",
        "currency": "EUR",
        "seats": 25,
        "timezone": "Europe/Berlin",
        "language": "de",
    },
    "CheckoutInRequest": {"plan": "growth", "interval": "month", "currency": "EUR", "seats": 25},
    "PreviewInRequest": {"seats": 40},
    "ConfirmInRequest": {"token": "eyJjaGFuZ2UiOiIwMWEx…"},
    "TermsInRequest": {"seats": 20},
    "CancelSubscriptionInRequest": {"reason": "too_expensive", "comment": "We are fewer next year."},
    "RedeemPromotionInRequest": {"code": "SPRING"},
    "TaxIdInRequest": {"type": "eu_vat", "value": "DE811569869"},
    "AssignManyInRequest": {"everyone_without_seat": True, "dry_run": True},
    "RevokeManyInRequest": {
        "member_ids": ["0199f3b2-c5d7-7b1e-8a3f-4c5d6e7f8094"],
        "reason": "Left the programme",
        "dry_run": True,
    },
    "PlanInRequest": {"code": "growth", "name": "Growth", "max_seats": 500, "trial_days": 14},
    "PlanPriceInRequest": {"interval": "month", "currency": "EUR", "unit_minor": 1200},
    "PromotionInRequest": {"code": "SPRING", "percent": 20, "duration": "repeating", "months": 3},
    "CompsInRequest": {"seats": 5, "reason": "Outage of 3 March"},
    "RefundInRequest": {
        "amount": {"amount_minor": 1200, "currency": "EUR"},
        "reason": "One seat was bought by mistake",
    },
}


def show_examples(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Put each example into the request bodies of its component."""
    shown = {f"#/components/schemas/{name}": example for name, example in EXAMPLES.items()}
    for methods in result["paths"].values():
        for operation in methods.values():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                reference = media.get("schema", {}).get("$ref")
                if reference in shown:
                    media["example"] = shown[reference]
    return result
