"""How drivers pay."""

from payments.models.payment_methods import PaymentMethod

__all__ = ["PaymentMethod"]
