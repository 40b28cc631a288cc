from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class CsmsConfig(AppConfig):
    """The composition root: the only app that knows all others."""

    name = "csms"
    verbose_name = "CSMS"

    def ready(self) -> None:
        from csms import (  # noqa: F401
            archive_obstacles,
            checks,
            command_effects,
            logs,
            personal_data,
            subscriptions,
        )

        logs.configure()
        subscriptions.register()
        archive_obstacles.register()
        command_effects.register()
        personal_data.register()


class CsmsAdminConfig(AdminConfig):
    default_site = "csms.admin_site.AdminSite"
