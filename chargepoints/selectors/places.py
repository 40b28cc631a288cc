"""Operators and sites that the caller may work with."""

from django.db.models import QuerySet

from accounts.models import Operator
from accounts.selectors.scope import Caller, within_scope
from chargepoints.models import Site


def operators_for(caller: Caller) -> QuerySet[Operator]:
    return Operator.objects.filter(within_scope(caller, "pk"), is_active=True)


def sites_for(caller: Caller) -> QuerySet[Site]:
    return Site.objects.select_related("operator").filter(within_scope(caller, "operator"))
