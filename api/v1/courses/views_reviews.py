"""Handing drafts in, and deciding about them."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.courses.editing import IF_MATCH
from api.v1.courses.serializers_reviews import (
    ApproveIn,
    RejectIn,
    ReviewCountsOut,
    ReviewFilter,
    ReviewOut,
    SubmitIn,
)
from tenant_apps.courses.selectors.reviews import (
    count_reviews,
    get_review,
    list_reviews,
    list_version_reviews,
)
from tenant_apps.courses.services.reviews import (
    approve_review,
    reject_review,
    submit_version,
    withdraw_review,
)


class VersionReviewViewSet(DomainViewSet):
    """The submissions of one version."""

    policies: ClassVar[dict[str, str]] = {"list": "courses.content", "create": "courses.submit"}

    @extend_schema(responses={200: ReviewOut(many=True)})
    def list(self, request: Request, version_id: uuid.UUID) -> Response:
        """List a version's submissions and what was decided, newest first."""
        return self.page(ReviewOut, list_version_reviews(self.actor, version_id))

    @extend_schema(parameters=[IF_MATCH], request=SubmitIn, responses={201: ReviewOut})
    def create(self, request: Request, version_id: uuid.UUID) -> Response:
        """Hand a draft in as it stands. Handed in twice unchanged it waits once."""
        review = submit_version(
            actor=self.actor,
            version_id=version_id,
            revision=self.claimed_if_match(),
            **self.parsed(SubmitIn),
        )
        found = get_review(self.actor, review.id)
        return self.answer(ReviewOut, found, status=201, headers={"Location": f"/api/v1/reviews/{review.id}"})


class ReviewViewSet(DomainViewSet):
    """The queue of those who decide."""

    policies: ClassVar[dict[str, str]] = {
        "list": "courses.reviews",
        "retrieve": "courses.reviews",
        "counts": "courses.reviews",
        "approve": "courses.review",
        "reject": "courses.review",
        "withdraw": "courses.edit",
    }

    @extend_schema(parameters=[ReviewFilter], responses={200: ReviewOut(many=True)})
    def list(self, request: Request) -> Response:
        """List submissions of the courses one works on, newest first."""
        return self.page(ReviewOut, list_reviews(self.actor, **self.parsed_query(ReviewFilter)))

    @extend_schema(responses={200: ReviewOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Show one submission."""
        return self._one(pk)

    @extend_schema(responses={200: ReviewCountsOut}, filters=False)
    @action(detail=False, methods=["get"], pagination_class=None)
    def counts(self, request: Request) -> Response:
        """Count submissions by state, and what waits for the caller."""
        return self.answer(ReviewCountsOut, count_reviews(self.actor))

    @extend_schema(request=ApproveIn, responses={200: ReviewOut})
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: uuid.UUID) -> Response:
        """Approve a draft as it was handed in; an edit ends the approval. Not for one's own work."""
        approve_review(actor=self.actor, review_id=pk, **self.parsed(ApproveIn))
        return self._one(pk)

    @extend_schema(request=RejectIn, responses={200: ReviewOut})
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: uuid.UUID) -> Response:
        """Send a draft back with a reason. Not for one's own work."""
        reject_review(actor=self.actor, review_id=pk, **self.parsed(RejectIn))
        return self._one(pk)

    @extend_schema(request=None, responses={200: ReviewOut})
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: uuid.UUID) -> Response:
        """Take a submission back before it is decided."""
        withdraw_review(actor=self.actor, review_id=pk)
        return self._one(pk)

    def _one(self, review_id: uuid.UUID) -> Response:
        return self.answer(ReviewOut, get_review(self.actor, review_id))
