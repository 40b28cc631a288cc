"""Sessions, the review queue and tariffs in the console."""

from transactions.admin import review, sessions, tariffs

__all__ = ["review", "sessions", "tariffs"]
