from django_otp.admin import OTPAdminSite
from unfold.sites import UnfoldAdminSite


class AdminSite(OTPAdminSite, UnfoldAdminSite):
    """The staff's console: nobody enters without a second factor."""
