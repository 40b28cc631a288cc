"""Where a driver is signed in."""

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import driver_examples as examples
from accounts.api.callers import person_of
from accounts.api.driver_serializers import DeviceSerializer, DevicesQuerySerializer
from accounts.api.representation import device_of
from accounts.domain.states import EndReason
from accounts.models import SignIn
from accounts.selectors.sign_ins import devices_of
from accounts.services import sign_ins
from csms.common import clock
from csms.common.api.examples import answered, page
from csms.common.api.permissions import Access
from csms.common.api.queries import PageQuerySerializer
from csms.common.api.schema import page_of
from csms.common.api.views import ApiView
from csms.common.errors import NotFound


class DevicesView(ApiView):
    access: ClassVar = {"GET": Access(driver=True), "DELETE": Access(driver=True)}

    @extend_schema(
        operation_id="auth_devices",
        summary="Devices that are signed in",
        description="The last used first; at most 20, beyond which the one unused longest is "
        "signed out.",
        tags=["auth"],
        parameters=[PageQuerySerializer],
        responses={200: page_of(DeviceSerializer)},
        examples=[answered(page(examples.DEVICE))],
    )
    def get(self, request: Request) -> Response:
        found = devices_of(person_of(request), at=clock.now())
        return self.page(request, found, lambda opened: device_of(opened, request.auth))

    @extend_schema(
        operation_id="auth_sign_out_all_devices",
        summary="Sign all devices out",
        description="This one as well, unless `keep_current` is true.",
        tags=["auth"],
        parameters=[DevicesQuerySerializer],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request) -> Response:
        given = self.validated(DevicesQuerySerializer, request.query_params)
        keep = request.auth if given["keep_current"] and isinstance(request.auth, SignIn) else None
        sign_ins.revoke_all(person_of(request), at=clock.now(), keep=keep)
        return Response(status=204)


class DeviceView(ApiView):
    access: ClassVar = {"DELETE": Access(driver=True)}

    @extend_schema(
        operation_id="auth_sign_out_device",
        summary="Sign one device out",
        tags=["auth"],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, device_id: UUID) -> Response:
        now = clock.now()
        opened = devices_of(person_of(request), at=now).filter(pk=device_id).first()
        if opened is None:
            raise NotFound
        sign_ins.sign_out(opened, at=now, reason=EndReason.REVOKED)
        return Response(status=204)
