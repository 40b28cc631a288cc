from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "csms.common"
    label = "common"
    verbose_name = "Shared kernel"
