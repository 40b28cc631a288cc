"""What a session that still runs would cost if it ended now."""

from datetime import datetime

import structlog

from transactions.domain.energy import Delivered
from transactions.domain.pricing import NO_PRICE, Price, PricingError, TariffTerms, price
from transactions.models import Session
from transactions.selectors.metering import usage_of
from transactions.selectors.tariffs import terms_of

logger = structlog.get_logger(__name__)


def running_price(
    session: Session,
    delivered: Delivered,
    at: datetime,
    known_terms: dict[int, TariffTerms] | None = None,
) -> Price | None:
    """What a running session would cost if it ended at `at`; None where no tariff applies.

    By the same function as the final price. The session's tariff version is loaded.
    """
    if session.is_waived:
        return NO_PRICE
    version = session.tariff_version
    if version is None or session.started_at is None:
        return None
    terms = None if known_terms is None else known_terms.get(version.pk)
    if terms is None:
        terms = terms_of(version)
        if known_terms is not None:
            known_terms[version.pk] = terms
    try:
        return price(terms, usage_of(session, max(at, session.started_at), delivered))
    except PricingError:
        # A meter that tells nonsense: the session's end will put it before a person.
        logger.warning("running_price_not_computed", session=session.pk, exc_info=True)
        return None
