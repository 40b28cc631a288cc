from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import action, display

from accounts.models import User
from csms.common.admin import ReadOnlyAdmin, ScopedAutocompleteFilter, pretty, whole_number
from csms.common.clock import now
from csms.common.errors import DomainError
from transactions.admin import proposal_texts
from transactions.models import ReviewItem
from transactions.selectors.review_cases import reviewed
from transactions.services import remedies, reviewing


class ResolveForm(forms.Form):
    resolution = forms.CharField(
        label=_("What was found and done"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    release = forms.BooleanField(
        label=_("The session is right: bill it"),
        required=False,
        help_text=_("Only if it was held until now."),
    )


class OpenFilter(DropdownFilter):
    """The queue shows what is open unless somebody asks for more."""

    title = _("state")
    parameter_name = "resolved"
    all_option = ["", _("Open")]

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [("done", _("Resolved")), ("all", _("All"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ReviewItem]) -> Any:
        if self.value() == "all":
            return queryset
        return queryset.filter(resolved_at__isnull=self.value() != "done")


@admin.register(ReviewItem)
class ReviewItemAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "kind_label", "station", "session_link", "detail", "is_resolved"]
    list_display_links = ["received_at", "kind_label"]
    list_filter = [
        OpenFilter,
        ("kind", ChoicesDropdownFilter),
        ("station", ScopedAutocompleteFilter),
    ]
    list_select_related = ["station", "session"]
    exact_search = {"session_id": whole_number, "station__identity__iexact": str}
    search_help_text = _("A whole session number, or a station's identity.")
    ordering = ["-received_at"]
    operator_path = "station__site__operator"
    actions_detail = ["apply_proposal", "resolve"]
    fields = [
        "kind",
        "detail",
        "station_link",
        "session_link",
        "received_at",
        "proposal",
        "raw_pretty",
        "frames",
        "resolved_at",
        "resolved_by",
        "resolution",
    ]

    def has_resolve_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("transactions.change_reviewitem")

    @action(
        description=_("Resolve"),
        url_path="resolve",
        icon="task_alt",
        permissions=["resolve"],
    )
    def resolve(self, request: HttpRequest, object_id: int) -> HttpResponse:
        item = self.row_or_404(request, object_id)
        url = reverse("admin:transactions_reviewitem_change", args=[item.pk])
        if item.resolved_at is not None:
            self.message_user(request, gettext("It is resolved already."), messages.INFO)
            return HttpResponseRedirect(url)
        form = ResolveForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                reviewing.resolve(
                    item.pk,
                    actor=cast(User, request.user),
                    resolution=form.cleaned_data["resolution"],
                    release=form.cleaned_data["release"],
                )
            except DomainError as error:
                form.add_error(None, error.detail)
            else:
                self.message_user(request, gettext("Resolved."), messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:transactions_reviewitem_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": f"{gettext('Resolve')}: {item.get_kind_display()}",
            "form": form,
            "item": item,
            "raw": pretty(item.raw),
            "cancel_url": url,
        }
        return TemplateResponse(request, "console/resolve.html", context)

    @action(
        description=_("Apply the proposal"),
        url_path="apply-proposal",
        icon="auto_fix_high",
        permissions=["resolve"],
    )
    def apply_proposal(self, request: HttpRequest, object_id: int) -> HttpResponse:
        item = self.row_or_404(request, object_id)
        url = reverse("admin:transactions_reviewitem_change", args=[item.pk])
        if item.resolved_at is not None:
            self.message_user(request, gettext("It is resolved already."), messages.INFO)
            return HttpResponseRedirect(url)
        error = ""
        if request.method == "POST":
            try:
                remedies.apply_proposal(
                    item.pk, actor=cast(User, request.user), mark=request.POST.get("mark", "")
                )
            except DomainError as refusal:
                error = refusal.detail
            else:
                self.message_user(request, gettext("Applied."), messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:transactions_reviewitem_changelist"))
        found = reviewed(item, now()).proposal
        context = {
            **self.admin_site.each_context(request),
            "title": f"{gettext('Apply the proposal')}: {item.get_kind_display()}",
            "item": item,
            "sentence": proposal_texts.sentence(found),
            "effect": proposal_texts.effect(found),
            "can_be_applied": found.can_be_applied,
            "mark": remedies.mark_of(found),
            "error": error,
            "raw": pretty(item.raw),
            "cancel_url": url,
        }
        return TemplateResponse(request, "console/proposal.html", context)

    @display(description=_("proposal"))
    def proposal(self, item: ReviewItem) -> str:
        if item.resolved_at is not None:
            return "–"
        return proposal_texts.sentence(reviewed(item, now()).proposal)

    @display(description=_("kind"), ordering="kind", label=True)
    def kind_label(self, item: ReviewItem) -> str:
        return item.get_kind_display()

    @display(description=_("session"))
    def session_link(self, item: ReviewItem) -> SafeString | str:
        if item.session is None:
            return "–"
        url = reverse("admin:console_session", args=[item.session.public_id])
        return format_html('<a href="{}" class="cs-rowlink">#{}</a>', url, item.session.pk)

    @display(description=_("station"))
    def station_link(self, item: ReviewItem) -> SafeString:
        url = reverse("admin:console_station", args=[item.station_id])
        return format_html('<a href="{}" class="cs-rowlink">{}</a>', url, item.station.identity)

    @display(description=_("what the charger sent"))
    def raw_pretty(self, item: ReviewItem) -> SafeString | str:
        return pretty(item.raw)

    @display(description=_("messages around it"))
    def frames(self, item: ReviewItem) -> SafeString:
        url = reverse("admin:ocpp_gateway_message_changelist")
        return format_html(
            '{}<a href="{}?station__id__exact={}" class="cs-rowlink">{}</a>',
            render_to_string(
                "console/review_frames.html",
                {"station_id": item.station_id, "at": item.received_at},
            ),
            url,
            item.station_id,
            gettext("Open the message archive of this station"),
        )

    @display(description=_("resolved"), boolean=True)
    def is_resolved(self, item: ReviewItem) -> bool:
        return item.resolved_at is not None
