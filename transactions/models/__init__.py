"""Charging sessions, their readings and costs, and the tariffs that price them."""

from transactions.models.readings import Reading
from transactions.models.reservations import Reservation
from transactions.models.review import ReviewItem
from transactions.models.sessions import CostLine, Session, SessionEvent
from transactions.models.tariffs import (
    Holiday,
    HolidayCalendar,
    Tariff,
    TariffAssignment,
    TariffVersion,
    TariffWindow,
)

__all__ = [
    "CostLine",
    "Holiday",
    "HolidayCalendar",
    "Reading",
    "Reservation",
    "ReviewItem",
    "Session",
    "SessionEvent",
    "Tariff",
    "TariffAssignment",
    "TariffVersion",
    "TariffWindow",
]
