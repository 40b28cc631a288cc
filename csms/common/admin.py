"""What every app's admin builds on: rows of the own operators only, audited writes, no deletion."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import Field, ForeignKey, ManyToManyField, Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RelatedDropdownFilter
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from csms.common import audit
from csms.common.admin_checks import ConsoleChecks
from csms.common.masking import mask_value
from csms.common.models import AuditEntry, IdempotencyRecord


def within_operators(request: HttpRequest, path: str | None) -> Q:
    """The condition that `path` leads to an operator of the signed-in person.

    `path` None: rows that belong to no operator, which only SUPERADMIN sees; empty: everybody's.
    """
    user: Any = request.user
    if user.is_superuser or path == "":
        return Q()
    if path is None:
        return Q(pk__in=[])
    return Q(**{f"{path}__in": user.operators.filter(is_active=True).values("pk")})


def pretty(value: Any) -> SafeString | str:
    """JSON set out on lines, escaped, without its secrets."""
    if value in (None, "", {}, []):
        return "–"
    text = json.dumps(mask_value(value), indent=2, ensure_ascii=False)
    return format_html('<pre class="cs-json">{}</pre>', text)


def shown_once(
    request: HttpRequest, title: str, secrets: list[tuple[str, str]], next_url: str, **extra: Any
) -> HttpResponse:
    """A page with secrets that nobody can see again: never stored, not in a message, not cached."""
    context = {**admin.site.each_context(request), "title": title, "secrets": secrets}
    response = TemplateResponse(
        request, "console/shown_once.html", {**context, "next_url": next_url, **extra}
    )
    response["Cache-Control"] = "no-store"
    return response


def confirm(request: HttpRequest, question: str, cancel_url: str, **extra: Any) -> HttpResponse:
    """Asks before a link in the shell does something: only the POST from here does it."""
    context = {**admin.site.each_context(request), "title": question, "cancel_url": cancel_url}
    return TemplateResponse(request, "console/confirm.html", {**context, **extra})


class ScopedRelatedFilter(RelatedDropdownFilter):
    """A filter by a related row that offers only what the person may see."""

    most_choices = 500

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> list[tuple[Any, str]]:
        allowed = visible_rows(model_admin.admin_site, request, field.remote_field.model)
        if allowed is None:
            return []
        return [(row.pk, str(row)) for row in allowed[: self.most_choices]]


class ScopedAutocompleteFilter(AutocompleteSelectFilter):
    """A filter by a related row of which there are many; found by typing, within the scope."""


def whole_number(term: str) -> int:
    """A row's number as people write it, `#12` or `12`; `ValueError` if it is none."""
    number = int(term.removeprefix("#"))
    if not 0 < number < 2**63:
        raise ValueError(term)
    return number


def visible_rows(
    site: admin.AdminSite, request: HttpRequest, model: type[Model]
) -> QuerySet[Any] | None:
    """The rows of `model` that its own admin shows; None if the model has none."""
    related = site._registry.get(model)
    return None if related is None else related.get_queryset(request)


class ScopedMixin:
    """Cuts every list, form, choice and autocomplete down to the person's operators."""

    operator_path: str | None = None
    model: type[Model]
    admin_site: admin.AdminSite

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return rows.filter(within_operators(request, self.operator_path))

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        self._limit_choices(db_field, request, kwargs)
        field: Any = super().formfield_for_foreignkey(  # type: ignore[misc]
            db_field, request, **kwargs
        )
        # Empty would mean "all operators", which is not for STAFF to grant.
        if field is not None and db_field.name == "operator" and not _is_superuser(request):
            field.required = True
        return field

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        self._limit_choices(db_field, request, kwargs)
        return super().formfield_for_manytomany(  # type: ignore[misc]
            db_field, request, **kwargs
        )

    def _limit_choices(
        self, db_field: Field[Any, Any], request: HttpRequest, kwargs: dict[str, Any]
    ) -> None:
        if "queryset" not in kwargs:
            rows = visible_rows(self.admin_site, request, db_field.remote_field.model)  # type: ignore[union-attr]
            if rows is not None:
                kwargs["queryset"] = rows


class ConsoleAdmin(ScopedMixin, ModelAdmin):
    """Base of all lists and forms. Nothing is deleted here; every write is audited."""

    checks_class = ConsoleChecks
    list_per_page = 50
    list_filter_submit = True
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    compressed_fields = True
    # The service that `save_model` calls has recorded it already.
    is_audited_by_service = False
    # Lookup -> type of its value. Django's own exact search casts the column to text and so
    # finds no index; this one compares like with like and leaves out what the term cannot be.
    exact_search: dict[str, Callable[[str], Any]] = {}

    def get_search_fields(self, request: HttpRequest) -> Any:
        return self.search_fields or list(self.exact_search)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not self.exact_search or not term:
            found: tuple[QuerySet[Any], bool] = super().get_search_results(
                request, queryset, search_term
            )
            return found
        wanted = Q(pk__in=[])
        for lookup, convert in self.exact_search.items():
            with contextlib.suppress(ValueError):
                wanted |= Q(**{lookup: convert(term)})
        return queryset.filter(wanted), False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        """A foreign row answers like one that is not there."""
        raise Http404

    def row_or_404(self, request: HttpRequest, object_id: Any) -> Any:
        """The row that an action is asked for; 404 for a foreign one, and for what is no id."""
        found = self.get_object(request, str(object_id))
        if found is None:
            raise Http404
        return found

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry | None:
        self._audit(request, obj, "create", message)
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry | None:
        self._audit(request, obj, "update", message)
        return None

    def _audit(self, request: HttpRequest, obj: Any, verb: str, message: Any) -> None:
        if not self.is_audited_by_service:
            changes = {"console": message} if message else {}
            actor: Any = request.user
            audit.record(actor, f"{obj._meta.model_name}.{verb}", obj, changes=changes)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """The audit trail of the object, in place of Django's own log."""
        url = reverse("admin:common_auditentry_changelist")
        return HttpResponseRedirect(f"{url}?q={object_id}")


class ReadOnlyAdmin(ConsoleAdmin):
    """Rows that the program writes: to look at."""

    paginator = InfinitePaginator
    list_display_links: Any = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ScopedInline(ScopedMixin, TabularInline):
    """Rows within a form; scoped like the form itself. Existing rows cannot be deleted."""

    extra = 0
    tab = True
    operator_path = ""
    can_delete = False
    show_change_link = False


def _is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did what. STAFF see what they did themselves."""

    list_display = ["at", "actor_label", "action_name", "object_type", "object_id", "reason"]
    list_display_links = ["at"]
    list_filter = ["object_type"]
    exact_search = {"object_id": str, "action": str, "actor_label": str}
    search_help_text = _("Exact: an object's id, an action, or an actor's e-mail.")
    fields = [
        "at",
        "actor_label",
        "action",
        "object_type",
        "object_id",
        "reason",
        "request_id",
        "changes_pretty",
    ]
    operator_path = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if _is_superuser(request) else rows.filter(actor_id=request.user.pk)

    @display(description=_("action"), label=True)
    def action_name(self, entry: AuditEntry) -> str:
        return entry.action

    @display(description=_("changes"))
    def changes_pretty(self, entry: AuditEntry) -> SafeString | str:
        return pretty(entry.changes)


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "caller", "route", "key", "status_code"]
    list_display_links = ["created_at"]
    exact_search = {"key": str, "caller": str}
    fields = ["created_at", "caller", "route", "key", "status_code"]
