"""ONE table: who holds what about people. The order is that in which rows are erased."""

from csms.common import personal_data
from csms.common.personal_data import PersonalData


def table() -> list[PersonalData]:
    from accounts.services.personal_data import PERSONAL_DATA as ACCOUNTS
    from chargepoints.services.personal_data import PERSONAL_DATA as CHARGEPOINTS
    from invoicing.services.personal_data import PERSONAL_DATA as INVOICING
    from notifications.services.personal_data import PERSONAL_DATA as NOTIFICATIONS
    from ocpp_gateway.services.personal_data import PERSONAL_DATA as GATEWAY
    from payments.services.personal_data import PERSONAL_DATA as PAYMENTS
    from transactions.services.personal_data import PERSONAL_DATA as TRANSACTIONS

    # `accounts` comes last, since it takes away what the others look people up by.
    return [NOTIFICATIONS, INVOICING, PAYMENTS, TRANSACTIONS, CHARGEPOINTS, GATEWAY, ACCOUNTS]


def register() -> None:
    for described in table():
        personal_data.register(described)
