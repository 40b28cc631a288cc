"""The accounts at LINE, Google and Apple that a driver signs in with."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api import driver_examples as examples
from accounts.api.callers import person_of
from accounts.api.credentials import confirm_recent_sign_in
from accounts.api.driver_serializers import IdentitySerializer
from accounts.api.representation import identity_of
from accounts.models import SignIn
from accounts.selectors.external_identities import find_own, identities_of
from accounts.services import external_identities
from csms.common import clock
from csms.common.api.examples import answered, page
from csms.common.api.permissions import Access
from csms.common.api.queries import PageQuerySerializer
from csms.common.api.schema import page_of
from csms.common.api.views import ApiView


class IdentitiesView(ApiView):
    access: ClassVar = {"GET": Access(driver=True)}

    @extend_schema(
        operation_id="auth_identities",
        summary="Accounts elsewhere that I sign in with",
        description="At most one of each provider. Signing in with another one links it, where "
        "both sides have verified the same e-mail address.",
        tags=["auth"],
        parameters=[PageQuerySerializer],
        responses={200: page_of(IdentitySerializer)},
        examples=[answered(page(examples.IDENTITY))],
    )
    def get(self, request: Request) -> Response:
        return self.page(request, identities_of(person_of(request)), identity_of)


class IdentityView(ApiView):
    access: ClassVar = {"DELETE": Access(driver=True)}
    problem_statuses: ClassVar = {"DELETE": (409,)}

    @extend_schema(
        operation_id="auth_unlink_identity",
        summary="No longer sign in with an account elsewhere",
        description="Needs a sign-in of the last ten minutes: 403 `sign_in_again`. Signs every "
        "other device out and tells the owner. 409 `last_way_to_sign_in` if there is neither "
        "another such account nor a confirmed e-mail address or phone number. Who signs in with "
        "it again comes as somebody new, or links it anew by the same e-mail address.",
        tags=["auth"],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, identity_id: int) -> Response:
        person = person_of(request)
        find_own(person, identity_id)
        confirm_recent_sign_in(request)
        keep = request.auth if isinstance(request.auth, SignIn) else None
        external_identities.unlink(person, identity_id, keep=keep, at=clock.now())
        return Response(status=204)
