"""Who may call an operation: one value per method, read by the check, the schema and the tests."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:
    # The framework imports this module while it makes APIView.
    from rest_framework.views import APIView


@dataclass(frozen=True, slots=True)
class Access:
    """`public`: anybody. `signed_in`: every person. `driver`: drivers.

    `staff`: staff with that Django permission. `scope`: API keys with that scope. Whose objects
    they reach is decided by the selectors.
    """

    public: bool = False
    signed_in: bool = False
    driver: bool = False
    staff: str | None = None
    scope: str | None = None

    def allows(self, caller: Any) -> bool:
        scopes = getattr(caller, "scopes", None)
        if scopes is not None:
            return self.scope is not None and self.scope in scopes
        if self.public:
            return True
        if caller is None or not caller.is_authenticated:
            return False
        if self.signed_in or (self.driver and not caller.is_staff):
            return True
        return self.staff is not None and caller.is_staff and caller.has_perm(self.staff)


def access_to(view: Any, method: str | None) -> Access | None:
    """The entry of the view's `access` table; an unlisted method is closed."""
    table: dict[str, Access] = getattr(view, "access", {})
    return table.get("GET" if method == "HEAD" else method or "")


class MayCall(BasePermission):
    """Asks the view's `access` table."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        access = access_to(view, request.method)
        return access is not None and access.allows(request.user)
