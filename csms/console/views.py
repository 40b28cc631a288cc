"""The console's own pages: what they show comes from `snapshots`, what they do from services."""

from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from chargepoints.models import Station
from chargepoints.selectors.anomalies import MOST_ROWS, by_device
from csms.common.errors import DomainError, NotFound
from csms.console import labels
from csms.console.commands import FORMS, CommandForm
from csms.console.snapshots import dashboard as dashboard_snapshot
from csms.console.snapshots import sessions, stations
from ocpp_gateway.services import requesting
from transactions.domain.states import OPEN_SESSION_STATES
from transactions.models import Session

STATION_FACTS = [
    ("vendor_model", gettext_lazy("Vendor and model")),
    ("firmware_version", gettext_lazy("Firmware")),
    ("serial_number", gettext_lazy("Serial number")),
    ("version", gettext_lazy("OCPP version")),
    ("quirk_profile", gettext_lazy("Quirk profile")),
    ("registration", gettext_lazy("Registration")),
    ("last_seen_at", gettext_lazy("Last seen")),
    ("connected_at", gettext_lazy("Connected since")),
    ("booted_at", gettext_lazy("Last boot")),
]
SESSION_FACTS = [
    ("id_token", gettext_lazy("Card or token")),
    ("authorization", gettext_lazy("Authorization")),
    ("started_at", gettext_lazy("Started")),
    ("ended_at", gettext_lazy("Ended")),
    ("charging_ended_at", gettext_lazy("Energy stopped flowing")),
    ("end_reason", gettext_lazy("Reason of the end")),
    ("meter_start_wh", gettext_lazy("Meter at start (Wh)")),
    ("meter_stop_wh", gettext_lazy("Meter at end (Wh)")),
]


def _page(
    request: HttpRequest, template: str, title: str, feed: str, state: Any, **extra: Any
) -> TemplateResponse:
    request.current_app = admin.site.name
    context = {
        **admin.site.each_context(request),
        "title": title,
        "feed": feed,
        "page_data": {
            "state": state,
            "labels": labels.for_page(),
            "language": get_language(),
            "feed": feed,
        },
        **extra,
    }
    return TemplateResponse(request, template, context)


def _found(read: Any, *arguments: Any) -> Any:
    try:
        return read(*arguments)
    except NotFound as error:
        raise Http404 from error


@require_GET
def deviations(request: HttpRequest) -> HttpResponse:
    """In what the chargers of each vendor deviate from OCPP."""
    request.current_app = admin.site.name
    context = {
        **admin.site.each_context(request),
        "title": _("Deviations by vendor"),
        "rows": by_device(cast(User, request.user)),
        "most_rows": MOST_ROWS,
        "may_add_profile": request.user.has_perm("chargepoints.add_quirkprofile"),
    }
    return TemplateResponse(request, "console/deviations.html", context)


def dashboard(request: HttpRequest) -> HttpResponse:
    return _page(
        request,
        "console/dashboard.html",
        _("Dashboard"),
        "/ws/console/dashboard/",
        dashboard_snapshot.read(request.user),
    )


@require_GET
def station(request: HttpRequest, station_id: int) -> HttpResponse:
    row = _found(stations.visible, request.user, station_id)
    state = stations.read(request.user, station_id)
    may_command = request.user.has_perm("chargepoints.add_command") and row.archived_at is None
    return _page(
        request,
        "console/station.html",
        row.identity,
        f"/ws/console/stations/{station_id}/",
        state,
        station=row,
        fact_names=STATION_FACTS,
        command_forms=_command_forms(row) if may_command else [],
    )


@require_GET
def session(request: HttpRequest, public_id: UUID) -> HttpResponse:
    row = _found(sessions.visible, request.user, public_id)
    return _page(
        request,
        "console/session.html",
        _("Session %(number)s") % {"number": f"#{row.pk}"},
        f"/ws/console/sessions/{public_id}/",
        sessions.read(request.user, public_id),
        session=row,
        fact_names=SESSION_FACTS,
    )


@require_POST
def request_command(request: HttpRequest, station_id: int) -> JsonResponse:
    """Queues a command through the service that the API calls; 202 with its id, 400 with errors."""
    row = _found(stations.visible, request.user, station_id)
    form_class = FORMS.get(request.POST.get("command", ""))
    if form_class is None:
        raise Http404
    form = form_class(request.POST, **_form_choices(row))
    if not form.is_valid():
        return JsonResponse({"errors": form.errors.get_json_data()}, status=400)
    parameters = form.cleaned_parameters()
    try:
        command = requesting.request_command(
            cast(User, request.user),
            row,
            form.name,
            parameters,
            # The page makes one key per opened dialog: a double click is one command.
            idempotency_key=request.POST.get("idempotency_key") or None,
            reason=form.cleaned_data["reason"],
        )
    except DomainError as error:
        return JsonResponse({"errors": _by_field(error, form)}, status=error.status)
    return JsonResponse({"id": str(command.pk), "status": command.status}, status=202)


def _by_field(error: DomainError, form: CommandForm) -> dict[str, list[dict[str, str]]]:
    """The service's errors beside the fields of the dialog that they speak of."""
    errors: dict[str, list[dict[str, str]]] = {}
    for problem in error.errors:
        name = "evse_id" if problem.field == "connector_id" else problem.field.split(".")[0]
        place = name if name in form.fields else "__all__"
        text = problem.detail if place != "__all__" else f"{problem.field}: {problem.detail}"
        errors.setdefault(place, []).append({"message": text, "code": problem.code})
    return errors or {"__all__": [{"message": error.detail, "code": error.code}]}


def _form_choices(row: Station) -> dict[str, Any]:
    running = Session.objects.filter(station=row, state__in=OPEN_SESSION_STATES).select_related(
        "connector__evse"
    )
    return {
        "evses": list(row.evses.values_list("evse_id", flat=True).order_by("evse_id")),
        "open_transactions": [
            (
                s.ocpp_transaction_id or str(s.pk),
                f"#{s.pk} · {_('Connector')} {s.connector.evse.evse_id} · {s.id_token_value}",
            )
            for s in running
        ],
    }


def _command_forms(row: Station) -> list[CommandForm]:
    choices = _form_choices(row)
    return [form(**choices) for form in FORMS.values()]
