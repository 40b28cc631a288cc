"""Sessions, the review queue and tariffs in the console."""

from transactions.admin import reservations, review, sessions, tariffs

__all__ = ["reservations", "review", "sessions", "tariffs"]
