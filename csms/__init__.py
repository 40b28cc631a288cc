"""The project package: composition root on top, shared kernel (`csms.common`) at the bottom."""

from csms.celery import app as celery_app

__all__ = ["celery_app"]
