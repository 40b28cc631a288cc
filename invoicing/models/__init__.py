"""Whom tax invoices are made out to."""

from invoicing.models.profiles import TaxInvoiceProfile

__all__ = ["TaxInvoiceProfile"]
