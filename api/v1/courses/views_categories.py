"""The tree that courses are sorted into."""

import uuid
from typing import ClassVar

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.courses.serializers_categories import (
    CategoryOrderIn,
    CategoryOut,
    CreateCategoryIn,
    UpdateCategoryIn,
)
from tenant_apps.courses.selectors.categories import get_category, list_categories
from tenant_apps.courses.services.categories import (
    create_category,
    delete_category,
    order_categories,
    update_category,
)


class CategoryViewSet(DomainViewSet):
    """Categories: everybody sees the open branches, administrators change the tree."""

    policies: ClassVar[dict[str, str]] = {
        "list": "courses.view",
        "retrieve": "courses.view",
        "create": "courses.curate",
        "partial_update": "courses.curate",
        "destroy": "courses.curate",
        "order": "courses.curate",
    }
    pagination_class = None  # type: ignore[assignment]  # the tree is one answer

    @extend_schema(responses={200: CategoryOut(many=True)}, filters=False)
    def list(self, request: Request) -> Response:
        """Read the whole tree, each category before its children."""
        return self.answer(CategoryOut, list_categories(self.actor), many=True)

    @extend_schema(responses={200: CategoryOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Show one category."""
        return self.answer(CategoryOut, get_category(self.actor, pk))

    @extend_schema(request=CreateCategoryIn, responses={201: CategoryOut})
    def create(self, request: Request) -> Response:
        """Make a category, last among its siblings."""
        made = create_category(actor=self.actor, **self.parsed(CreateCategoryIn))
        headers = {"Location": f"/api/v1/categories/{made}"}
        return self.answer(CategoryOut, get_category(self.actor, made), status=201, headers=headers)

    @extend_schema(request=UpdateCategoryIn, responses={200: CategoryOut})
    def partial_update(self, request: Request, pk: uuid.UUID) -> Response:
        """Change a category, or move it with its branch."""
        update_category(actor=self.actor, category_id=pk, **self.parsed(UpdateCategoryIn))
        return self.answer(CategoryOut, get_category(self.actor, pk))

    @extend_schema(responses={204: OpenApiResponse(description="The category is gone.")})
    def destroy(self, request: Request, pk: uuid.UUID) -> Response:
        """Delete a category that holds neither categories nor courses."""
        delete_category(actor=self.actor, category_id=pk)
        return Response(status=204)

    @extend_schema(request=CategoryOrderIn, responses={200: CategoryOut(many=True)}, filters=False)
    @action(detail=False, methods=["put"])
    def order(self, request: Request) -> Response:
        """Put the children of one category, or the roots, into a new order, all at once."""
        order_categories(actor=self.actor, **self.parsed(CategoryOrderIn))
        return self.answer(CategoryOut, list_categories(self.actor), many=True)
