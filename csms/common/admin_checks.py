"""unfold's check of admin actions, without its query.

unfold looks up `app.permission` names of actions in the database while system checks run. They run
before `migrate`, so on an empty database nothing could ever be migrated, and `check --deploy`
would need a server. The names follow from the models, so the models are asked instead.
"""

from typing import Any

from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.core import checks
from unfold.checks import UnfoldModelAdminChecks


def model_permissions() -> set[str]:
    """Every `app.action_model` that Django derives from the models."""
    return {
        f"{model._meta.app_label}.{get_permission_codename(action, model._meta)}"
        for model in apps.get_models()
        for action in model._meta.default_permissions
    } | {
        f"{model._meta.app_label}.{codename}"
        for model in apps.get_models()
        for codename, _name in model._meta.permissions
    }


class ConsoleChecks(UnfoldModelAdminChecks):
    def _check_unfold_action_permission_methods(self, obj: Any) -> list[checks.Error]:
        known = model_permissions()
        actions = [
            *obj._get_base_actions_list(),
            *obj._get_base_actions_detail(),
            *obj._get_base_actions_row(),
            *obj._get_base_actions_submit_line(),
        ]
        return [
            checks.Error(
                f"The action {action.action_name} of {type(obj).__name__} asks for "
                f"{permission}, which does not exist.",
                obj=type(obj),
                id="admin.E129",
            )
            for action in actions
            for permission in getattr(action.method, "allowed_permissions", ())
            if not (permission in known or hasattr(obj, f"has_{permission}_permission"))
        ]
