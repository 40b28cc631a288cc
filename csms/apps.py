from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class CsmsConfig(AppConfig):
    """The composition root: the only app that knows all others."""

    name = "csms"
    verbose_name = "CSMS"

    def ready(self) -> None:
        from csms import checks, command_effects, logs, subscriptions  # noqa: F401

        logs.configure()
        subscriptions.register()
        command_effects.register()


class CsmsAdminConfig(AdminConfig):
    default_site = "csms.admin_site.AdminSite"
