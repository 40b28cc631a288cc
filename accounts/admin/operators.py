from typing import Any, cast

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import Operator, User
from accounts.services import operators
from csms.common.admin import ConsoleAdmin


@admin.register(Operator)
class OperatorAdmin(ConsoleAdmin):
    list_display = ["name", "name_th", "code", "currency", "is_active", "created_at"]
    list_filter = ["is_active"]
    search_fields = ["name", "name_th", "code__iexact"]
    fields = ["name", "name_th", "code", "currency", "is_active"]
    operator_path = "pk"

    def save_model(self, request: HttpRequest, obj: Operator, form: Any, change: bool) -> None:
        """Closing one signs its staff out: that is the service's, the other fields are plain."""
        wanted = obj.is_active
        if change and "is_active" in form.changed_data:
            obj.is_active = not wanted
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data:
            operators.set_active(obj, wanted, actor=cast(User, request.user))
