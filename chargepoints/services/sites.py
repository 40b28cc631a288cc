"""Sites as people enter them."""

from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Operator
from chargepoints.models import Site
from csms.common import audit
from csms.common.audit import Actor
from csms.common.errors import Conflict


def create_site(
    *,
    operator: Operator,
    name: str,
    latitude: Decimal,
    longitude: Decimal,
    actor: Actor,
    **fields: Any,
) -> Site:
    """A new site. `Conflict` if the operator has one of that name."""
    try:
        with transaction.atomic():
            site = Site.objects.create(
                operator=operator, name=name, latitude=latitude, longitude=longitude, **fields
            )
            audit.record(actor, "site.create", site, changes={"name": name})
    except IntegrityError as error:
        text = _("The operator has a site of this name already.")
        raise Conflict(text, code="site_exists") from error
    return site
