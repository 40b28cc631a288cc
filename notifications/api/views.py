"""What a driver wants to be told, and on which devices."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.callers import person_of
from csms.common.api.examples import answered, page, sent
from csms.common.api.permissions import Access
from csms.common.api.queries import PageQuerySerializer
from csms.common.api.schema import page_of
from csms.common.api.views import ApiView
from notifications.api import serializers as forms
from notifications.domain.preferences import Topic, Way
from notifications.models import PushDevice
from notifications.selectors import devices as device_rows
from notifications.selectors import preferences as preference_rows
from notifications.services import devices, preferences

DRIVER = Access(driver=True)
PREFERENCES = {"preferences": [{"topic": "CHARGING", "way": "PUSH", "is_enabled": True}]}
DEVICE = {
    "id": "0199c2de-6a0a-7c3e-b0ff-3f3d1f0f8f04",
    "platform": "ANDROID",
    "name": "Pixel 9",
    "app_version": "3.1.0",
    "created_at": "2026-11-20T05:00:00Z",
    "last_registered_at": "2026-11-20T05:00:00Z",
}
DEVICE_SENT = {
    "platform": "ANDROID",
    "token": "fMEP0vJqS6:APA91bH4-example",
    "name": "Pixel 9",
    "app_version": "3.1.0",
}


def _shown_preferences(wanted: dict[tuple[Topic, Way], bool]) -> dict[str, Any]:
    return {
        "preferences": [
            {"topic": topic.value, "way": way.value, "is_enabled": is_enabled}
            for (topic, way), is_enabled in wanted.items()
        ]
    }


def _shown_device(row: PushDevice) -> dict[str, Any]:
    return {
        "id": row.pk,
        "platform": row.platform,
        "name": row.name,
        "app_version": row.app_version,
        "created_at": row.created_at,
        "last_registered_at": row.last_registered_at,
    }


class PreferencesView(ApiView):
    access: ClassVar = {"GET": DRIVER, "PUT": DRIVER}

    @extend_schema(
        operation_id="notification_preferences_retrieve",
        summary="What I want to be told, and how",
        description="Every topic and way; what I never decided has its default.",
        tags=["driver"],
        responses={200: forms.PreferencesSerializer},
        examples=[answered(PREFERENCES)],
    )
    def get(self, request: Request) -> Response:
        return Response(_shown_preferences(preference_rows.of_driver(person_of(request))))

    @extend_schema(
        operation_id="notification_preferences_update",
        summary="Decide what I want to be told",
        description="What is left out stays as it is. The last of two decisions about the same "
        "topic and way counts.",
        tags=["driver"],
        request=forms.PreferencesInputSerializer,
        responses={200: forms.PreferencesSerializer},
        examples=[sent(PREFERENCES), answered(PREFERENCES)],
    )
    def put(self, request: Request) -> Response:
        given = self.validated(forms.PreferencesInputSerializer, request.data)
        wanted = {
            (Topic(one["topic"]), Way(one["way"])): one["is_enabled"]
            for one in given["preferences"]
        }
        return Response(_shown_preferences(preferences.change(person_of(request), wanted)))


class PushDevicesView(ApiView):
    access: ClassVar = {"GET": DRIVER, "POST": DRIVER}

    @extend_schema(
        operation_id="push_devices_list",
        summary="My devices that may be sent pushes",
        tags=["driver"],
        parameters=[PageQuerySerializer],
        responses={200: page_of(forms.PushDeviceSerializer)},
        examples=[answered(page(DEVICE))],
    )
    def get(self, request: Request) -> Response:
        return self.page(request, device_rows.visible_to(request.user), _shown_device)

    @extend_schema(
        operation_id="push_devices_register",
        summary="Let this device be sent pushes",
        description="The app calls it at every start. The same token again is the same device, "
        "which belongs to whoever registered it last. At most 20 devices a driver; the one that "
        "was silent longest goes.",
        tags=["driver"],
        request=forms.PushDeviceInputSerializer,
        responses={201: forms.PushDeviceSerializer},
        examples=[sent(DEVICE_SENT), answered(DEVICE, 201)],
    )
    def post(self, request: Request) -> Response:
        given = self.validated(forms.PushDeviceInputSerializer, request.data)
        return Response(_shown_device(devices.register(person_of(request), **given)), status=201)


class PushDeviceView(ApiView):
    access: ClassVar = {"DELETE": DRIVER}

    @extend_schema(
        operation_id="push_devices_remove",
        summary="Send this device nothing any more",
        tags=["driver"],
        responses={204: None},
    )
    def delete(self, request: Request, device_id: UUID) -> Response:
        devices.remove(person_of(request), device_id)
        return Response(status=204)
