"""The catalogue that members choose from, and what courses are linked with."""

import uuid
from functools import partial
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.viewsets import DomainViewSet
from api.v1.courses.languages import asked_languages
from api.v1.courses.serializers_catalogue import (
    CatalogueCardOut,
    CatalogueFilter,
    CatalogueListFilter,
    CourseFilter,
    FacetsOut,
    ShownInQuery,
    TagFilter,
    TagOut,
)
from api.v1.courses.serializers_facts import COURSE_REVISION, PrerequisitesIn, RelationsIn
from api.v1.courses.serializers_offers import OfferOut, PrerequisiteOut, RelatedOut
from tenant_apps.courses.selectors.facets import list_tags
from tenant_apps.courses.services.links import Link, set_prerequisites, set_relations
from tenant_apps.courses.services.visits import visit_course
from tenant_apps.runs.selectors.catalogue import ORDERS, browse_courses, read_entries, read_facets
from tenant_apps.runs.selectors.offers import get_offer, list_prerequisites, list_relations


class CatalogueViewSet(DomainViewSet):
    """Published courses that the organization lists: the same for every member."""

    policies: ClassVar[dict[str, str]] = {
        "list": "courses.view",
        "retrieve": "courses.view",
        "facets": "courses.view",
    }

    @extend_schema(parameters=[CatalogueListFilter], responses={200: CatalogueCardOut(many=True)})
    def list(self, request: Request) -> Response:
        """List the catalogue, by title unless asked otherwise."""
        query = self.parsed_query(CatalogueListFilter)
        query.pop("language", None)
        rows = browse_courses(self.actor, catalogue=True, **query)
        read = partial(read_entries, self.actor, asked=asked_languages(request))
        return self.page(CatalogueCardOut, rows, ordering=ORDERS[query["sort"]], read=read)

    @extend_schema(parameters=[ShownInQuery], responses={200: OfferOut})
    def retrieve(self, request: Request, pk: uuid.UUID) -> Response:
        """Show a course with its outline, its people, what it builds on and the runs one can join.

        Each look of a member who is no author of it counts one view.
        """
        self.parsed_query(ShownInQuery)
        visit_course(actor=self.actor, course_id=pk)
        return self.answer(OfferOut, get_offer(self.actor, pk, asked=asked_languages(request)))

    @extend_schema(parameters=[CatalogueFilter], responses={200: FacetsOut}, filters=False)
    @action(detail=False, methods=["get"], pagination_class=None)
    def facets(self, request: Request) -> Response:
        """Count the courses of the catalogue that fit, by each of their properties."""
        query = self.parsed_query(CatalogueFilter)
        query.pop("language", None)
        found = browse_courses(self.actor, catalogue=True, **query)
        return self.answer(FacetsOut, read_facets(self.actor, found))


class CourseLinkViewSet(DomainViewSet):
    """What stands beside courses: counts of a list, tags in use, prerequisites, related courses."""

    policies: ClassVar[dict[str, str]] = {
        "facets": "courses.view",
        "tags": "courses.view",
        "prerequisites": "courses.view",
        "set_prerequisites": "courses.edit",
        "related": "courses.view",
        "set_related": "courses.edit",
    }

    @extend_schema(parameters=[CourseFilter], responses={200: FacetsOut}, filters=False)
    @action(detail=False, methods=["get"], pagination_class=None)
    def facets(self, request: Request) -> Response:
        """Count the courses one sees that fit, by each of their properties."""
        query = self.parsed_query(CourseFilter)
        query.pop("language", None)
        found = browse_courses(self.actor, catalogue=False, **query)
        return self.answer(FacetsOut, read_facets(self.actor, found))

    @extend_schema(parameters=[TagFilter], responses={200: TagOut(many=True)}, filters=False)
    @action(detail=False, methods=["get"], pagination_class=None)
    def tags(self, request: Request) -> Response:
        """List the tags in use, the most frequent first; at most 200 that hold the words of `search`."""
        found = list_tags(self.actor, **self.parsed_query(TagFilter))
        return self.answer(TagOut, [{"tag": tag, "courses": times} for tag, times in found], many=True)

    @extend_schema(responses={200: PrerequisiteOut(many=True)}, filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def prerequisites(self, request: Request, pk: uuid.UUID) -> Response:
        """List what the course builds on, the required ones first."""
        return self.answer(PrerequisiteOut, list_prerequisites(self.actor, pk), many=True)

    @extend_schema(
        parameters=[COURSE_REVISION], request=PrerequisitesIn, responses={200: PrerequisiteOut(many=True)}
    )
    @prerequisites.mapping.put
    def set_prerequisites(self, request: Request, pk: uuid.UUID) -> Response:
        """Make these all the prerequisites of the course."""
        links = [Link(**each) for each in self.parsed(PrerequisitesIn)["courses"]]
        set_prerequisites(actor=self.actor, course_id=pk, links=links, revision=self.optional_if_match())
        return self.answer(PrerequisiteOut, list_prerequisites(self.actor, pk), many=True)

    @extend_schema(responses={200: RelatedOut(many=True)}, filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def related(self, request: Request, pk: uuid.UUID) -> Response:
        """List the related courses that one sees, in their order."""
        return self.answer(RelatedOut, list_relations(self.actor, pk), many=True)

    @extend_schema(parameters=[COURSE_REVISION], request=RelationsIn, responses={200: RelatedOut(many=True)})
    @related.mapping.put
    def set_related(self, request: Request, pk: uuid.UUID) -> Response:
        """Make these all the related courses, in this order."""
        links = [Link(**each) for each in self.parsed(RelationsIn)["courses"]]
        set_relations(actor=self.actor, course_id=pk, links=links, revision=self.optional_if_match())
        return self.answer(RelatedOut, list_relations(self.actor, pk), many=True)
