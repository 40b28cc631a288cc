from django.urls import path

from csms.common.api import converters  # noqa: F401  (registers the identity's form)
from transactions.api import views

urlpatterns = [
    path(
        "api/transactions/authorize", views.AuthorizeView.as_view(), name="transactions-authorize"
    ),
    path(
        "api/transactions/<uuid:session_id>/summary",
        views.SummaryView.as_view(),
        name="transaction-summary",
    ),
    path(
        "api/chargepoints/<identity:identity>/pricing",
        views.PricingView.as_view(),
        name="chargepoint-pricing",
    ),
    path("transactions", views.ServiceTransactionsView.as_view(), name="service-transactions"),
    path(
        "transactions/<uuid:session_id>",
        views.ServiceTransactionView.as_view(),
        name="service-transaction",
    ),
]
