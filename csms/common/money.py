"""Money: exact decimals with a currency and one rounding; satang only at the provider's edge."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Self

CENT = Decimal("0.01")


def round_half_up(amount: Decimal, quantum: Decimal = CENT) -> Decimal:
    """The house's only rounding: half a quantum goes away from zero (Thai practice, 5/4)."""
    return amount.quantize(quantum, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount with at most two decimals; raises `ValueError` on more, or on a float."""

    amount: Decimal
    currency: str = "THB"

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal) or not self.amount.is_finite():
            raise ValueError("amount must be a finite Decimal")
        if self.amount != self.amount.quantize(CENT):
            raise ValueError(f"amount {self.amount} has more than two decimals")
        if len(self.currency) != 3 or not self.currency.isupper():
            raise ValueError("currency must be an ISO 4217 code")

    @classmethod
    def from_satang(cls, satang: int, currency: str = "THB") -> Self:
        return cls(Decimal(satang) / 100, currency)

    @property
    def satang(self) -> int:
        return int(self.amount * 100)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot combine {self.currency} with {other.currency}")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.amount - other.amount, self.currency)

    def __str__(self) -> str:
        return f"{self.amount.quantize(CENT)} {self.currency}"
