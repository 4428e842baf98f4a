"""The base of every viewset: declared policies, an actor, and answers by serializer; nothing to weaken."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from api.core.callers import caller_of
from api.core.errors import problem_handler
from api.core.idempotency import IdempotentPosts
from api.core.pagination import PageByCursor
from shared_apps.core.actors import Actor
from shared_apps.core.errors import DomainError, Kind

_STANDARD_ACTIONS = ("list", "retrieve", "create", "update", "partial_update", "destroy")
_CLOSED = frozenset(
    {"get_queryset", "get_object", "get_permissions", "check_permissions", "permission_classes"}
)


class PreconditionRequired(DomainError):
    """An edit of a draft without If-Match could overwrite somebody else's."""

    code = "if_match_required"
    kind = Kind.PRECONDITION_REQUIRED
    title = "Say which state you are changing."
    advice = "Send the ETag of the object you read as If-Match."


class DomainViewSet(IdempotentPosts, viewsets.GenericViewSet[Any]):
    """Views parse, call one service or selector, and answer.

    `policies` names the policy of every action; a class with an action without one does not load. Object
    look-up and permissions belong to selectors and services, so overriding DRF's hooks for them is refused
    when the class is made.
    """

    policies: ClassVar[dict[str, str]] = {}
    # Actions that the organization's plan must hold besides, by names of billing.entitlements.
    features: ClassVar[dict[str, str]] = {}
    pagination_class = PageByCursor
    lookup_value_converter = "uuid"
    serializer_class = serializers.Serializer

    def __init_subclass__(cls, **options: Any) -> None:
        """Check the class when it is defined.

        Raises:
            TypeError: an action without policy, or an override that would weaken the checks.
        """
        super().__init_subclass__(**options)
        weakened = _CLOSED & set(vars(cls))
        if weakened:
            raise TypeError(f"{cls.__name__} may not override {sorted(weakened)}")
        actions = [name for name in _STANDARD_ACTIONS if hasattr(cls, name)]
        actions += [extra.__name__ for extra in cls.get_extra_actions()]
        for extra in cls.get_extra_actions():
            mapping: dict[str, str] = getattr(extra, "mapping", {})
            actions += [name for name in mapping.values() if name not in actions]
        missing = set(actions) - set(cls.policies)
        if missing:
            raise TypeError(f"{cls.__name__} names no policy for {sorted(missing)}")

    @property
    def actor(self) -> Actor:
        """Who calls."""
        return caller_of(self.request)

    def parsed(self, serializer: type[serializers.Serializer[Any]], **options: Any) -> dict[str, Any]:
        """Return the validated body; raises DRF's ValidationError, answered as a problem with field names."""
        parsed = serializer(data=self.request.data, context=self.get_serializer_context(), **options)
        parsed.is_valid(raise_exception=True)
        return dict(parsed.validated_data)

    def parsed_query(self, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """Return the validated query string."""
        parsed = serializer(data=self.request.query_params)
        parsed.is_valid(raise_exception=True)
        return dict(parsed.validated_data)

    def answer(
        self,
        serializer: type[serializers.BaseSerializer[Any]],
        found: Any,
        *,
        status: int = 200,
        many: bool = False,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Return the object, or the list, in its output form."""
        shaped = serializer(found, many=many, context=self.get_serializer_context())
        return Response(shaped.data, status=status, headers=headers)

    def page(
        self,
        serializer: type[serializers.BaseSerializer[Any]],
        rows: QuerySet[Any],
        *,
        ordering: str | tuple[str, ...] = "-id",
        read: Callable[[list[Any]], list[Any]] | None = None,
    ) -> Response:
        """Return one page of the rows. The ordering must end in a unique column; `read` is given the rows of
        the page, and returns what is shown of them."""
        paginator = PageByCursor()
        paginator.ordering = ordering
        found = paginator.paginate_queryset(rows, self.request, view=self)
        if read is not None:
            found = read(list(found or ()))
        shaped = serializer(found, many=True, context=self.get_serializer_context())
        return paginator.get_paginated_response(shaped.data)

    def if_match(self) -> str:
        """Return the state the caller says it changes.

        Raises:
            PreconditionRequired: the header is missing.
        """
        value = self.request.headers.get("If-Match", "").strip()
        if not value:
            raise PreconditionRequired
        return value.removeprefix("W/").strip('"')

    def optional_if_match(self) -> str:
        """Return the state the caller says it changes, "" where it says nothing."""
        return self.if_match() if self.request.headers.get("If-Match", "").strip() else ""

    def claimed_if_match(self) -> str:
        """Return the same for a service that refuses "" itself, once it knows that the object exists."""
        return self.optional_if_match()

    def get_exception_handler(self) -> Any:
        """Return the one handler."""
        return problem_handler

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Add the rate-limit headers, then remember the answer if it is to be remembered."""
        for name, value in getattr(self.request, "rate_limit", {}).items():
            response[name] = value
        return super().finalize_response(request, response, *args, **kwargs)
