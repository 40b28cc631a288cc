"""What the law lets people ask for: a copy of their data, and the end of their account."""

from typing import ClassVar
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import personal_examples as examples
from accounts.api import personal_representation as representation
from accounts.api import personal_serializers as forms
from accounts.api.callers import person_of
from accounts.api.credentials import confirm_owner
from accounts.api.driver_examples import VERIFICATION, VERIFICATION_ID
from accounts.api.driver_serializers import VerificationSerializer
from accounts.api.file_answers import zip_answer
from accounts.api.login_throttle import LoginThrottle
from accounts.api.representation import verification_of
from accounts.domain.states import DataExportState
from accounts.selectors import data_exports as export_rows
from accounts.services import closing, data_exports, export_files
from csms.common import clock
from csms.common.api.addresses import client_address
from csms.common.api.examples import answered, page, sent
from csms.common.api.permissions import Access
from csms.common.api.queries import PageQuerySerializer
from csms.common.api.schema import page_of
from csms.common.api.throttling import CallerThrottle
from csms.common.api.views import ApiView
from csms.common.errors import Conflict, NotFound

PERSON = Access(signed_in=True)


class DataExportsView(ApiView):
    access: ClassVar = {"GET": PERSON, "POST": PERSON}

    @extend_schema(
        operation_id="data_exports_list",
        summary="Copies of my data that I asked for",
        tags=["personal data"],
        parameters=[PageQuerySerializer],
        responses={200: page_of(forms.DataExportSerializer)},
        examples=[answered(page(examples.DATA_EXPORT))],
    )
    def get(self, request: Request) -> Response:
        rows = export_rows.visible_to(request.user)
        return self.page(request, rows, representation.data_export)

    @extend_schema(
        operation_id="data_exports_create",
        summary="Ask for a copy of all my data",
        description="Needs the password again, or, without one, a sign-in of the last ten minutes. "
        "Made in the background; an e-mail tells when it is ready. While one is on "
        "its way that one is answered. At most 3 a day: 429.",
        tags=["personal data"],
        request=forms.DataExportInputSerializer,
        responses={202: forms.DataExportSerializer},
        examples=[
            sent({"password": "correct-horse-battery"}),
            answered(
                {
                    **examples.DATA_EXPORT,
                    "state": "REQUESTED",
                    "ready_at": None,
                    "expires_at": None,
                    "size_bytes": None,
                    "sha256": None,
                    "file": None,
                },
                202,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(forms.DataExportInputSerializer, request.data)
        person = person_of(request)
        confirm_owner(request, person, given.get("password"), field="password")
        export = data_exports.request(person)
        return Response(representation.data_export(export), status=202)


class DataExportView(ApiView):
    access: ClassVar = {"GET": PERSON}

    @extend_schema(
        operation_id="data_exports_retrieve",
        summary="Whether a copy of my data is ready",
        tags=["personal data"],
        responses={200: forms.DataExportSerializer},
        examples=[answered(examples.DATA_EXPORT)],
    )
    def get(self, request: Request, export_id: UUID) -> Response:
        return Response(representation.data_export(export_rows.find(request.user, export_id)))


class DataExportFileView(ApiView):
    access: ClassVar = {"GET": PERSON}
    problem_statuses: ClassVar = {"GET": (409,)}

    @extend_schema(
        operation_id="data_exports_file",
        summary="The copy of my data, as a ZIP file",
        description="JSON and CSV of each kind of data, and a README in Thai and English. 409 "
        "while it is not ready, and once it has expired; 404 with `export_file_lost` if its file "
        "was lost: ask for a new export.",
        tags=["personal data"],
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
        examples=[
            OpenApiExample(
                "file",
                "PK…",
                response_only=True,
                media_type="application/zip",
                status_codes=["200"],
            )
        ],
    )
    def get(self, request: Request, export_id: UUID) -> Response | StreamingHttpResponse:
        export = export_rows.find(request.user, export_id)
        now = clock.now()
        if export.state != DataExportState.READY or (export.expires_at or now) <= now:
            raise Conflict(_("There is no file, or no longer."), code="export_not_ready")
        try:
            return zip_answer(
                request._request,
                export_files.path_of(export.file_name),
                file_name=f"my-data-{export.requested_at:%Y-%m-%d}.zip",
                size=export.size_bytes or 0,
            )
        except FileNotFoundError as error:
            # The sweeper marks the row; what it is for is to be told at once.
            text = _("The file was lost. Ask for a new export.")
            raise NotFound(text, code="export_file_lost") from error


class AccountDeletionCodeView(ApiView):
    access: ClassVar = {"POST": Access(driver=True)}
    problem_statuses: ClassVar = {"POST": (400, 409)}

    @extend_schema(
        operation_id="profile_deletion_code",
        summary="Ask for a code to close my account",
        description="For who does not know the password: sent to the address or number of the "
        "account. 409 if it has none that is confirmed.",
        tags=["personal data"],
        request=None,
        responses={202: VerificationSerializer},
        examples=[answered(VERIFICATION, 202)],
    )
    def post(self, request: Request) -> Response:
        asked = closing.ask_for_code(
            person_of(request), address=client_address(request._request), at=clock.now()
        )
        return Response(verification_of(asked), status=202)


class AccountDeletionView(ApiView):
    access: ClassVar = {"POST": Access(driver=True)}
    throttle_classes = (CallerThrottle, LoginThrottle)
    problem_statuses: ClassVar = {"POST": (404, 409)}

    @extend_schema(
        operation_id="profile_deletion",
        summary="Close my account for good",
        description="Needs the password again, or a code from `/api/profile/deletion/code`; who "
        "has neither password nor address must have signed in within the last ten minutes. 409 "
        "with a list of reasons while sessions or "
        "reservations are open or a price is not settled. Everything is signed out; the answer "
        "says what was erased, and what the law makes us keep and until when. The same address "
        "may register again, as somebody new.",
        tags=["personal data"],
        request=forms.DeletionInputSerializer,
        responses={200: forms.DeletionSerializer},
        examples=[
            sent({"password": "correct-horse-battery"}),
            sent({"verification_id": VERIFICATION_ID, "code": "123456"}, "by code"),
            answered(examples.DELETION),
        ],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(forms.DeletionInputSerializer, request.data)
        driver, now = person_of(request), clock.now()
        if "code" in given:
            report = closing.close_by_code(driver, given["verification_id"], given["code"], at=now)
        else:
            confirm_owner(request, driver, given.get("password"), field="password", takes_code=True)
            report = closing.close_account(driver, at=now)
        return Response(representation.deletion(report))
