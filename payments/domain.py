"""Ways to pay, as drivers choose them."""

from enum import StrEnum


class Method(StrEnum):
    CARD = "CARD"
    PROMPTPAY = "PROMPTPAY"
    TRUEMONEY = "TRUEMONEY"
    MOBILE_BANKING = "MOBILE_BANKING"
    WALLET = "WALLET"


class Bank(StrEnum):
    """Whose app a mobile banking payment opens."""

    BAY = "BAY"
    BBL = "BBL"
    KBANK = "KBANK"
    KTB = "KTB"
    SCB = "SCB"


# A wallet is not filled from itself.
TOP_UP_METHODS = tuple(method for method in Method if method is not Method.WALLET)
