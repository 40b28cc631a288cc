from django.contrib import admin

from accounts.models import Operator
from csms.common.admin import ConsoleAdmin


@admin.register(Operator)
class OperatorAdmin(ConsoleAdmin):
    list_display = ["name", "name_th", "code", "currency", "is_active", "created_at"]
    list_filter = ["is_active"]
    search_fields = ["name", "name_th", "code__iexact"]
    fields = ["name", "name_th", "code", "currency", "is_active"]
    operator_path = "pk"
