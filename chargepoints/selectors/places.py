"""Operators and sites that the caller may work with."""

from typing import Any

from django.db.models import QuerySet

from accounts.models import Operator
from accounts.selectors.scope import operators_of
from chargepoints.models import Site


def operators_for(caller: Any) -> QuerySet[Operator]:
    scope = operators_of(caller)
    operators = Operator.objects.filter(is_active=True)
    return operators if scope == "all" else operators.filter(pk__in=scope)


def sites_for(caller: Any) -> QuerySet[Site]:
    scope = operators_of(caller)
    sites = Site.objects.select_related("operator")
    return sites if scope == "all" else sites.filter(operator_id__in=scope)
