"""What the review queue proposes, in words for staff."""

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from transactions.domain.proposals import Closing, Outcome, Proposal, Remedy, Why

REMEDIES = {
    Remedy.KEEP: gettext_lazy("Leave all as it is"),
    Remedy.BILL: gettext_lazy("Bill the session"),
    Remedy.NO_BILL: gettext_lazy("No bill"),
    Remedy.ATTACH: gettext_lazy("End the session with this stop"),
    Remedy.CLOSE: gettext_lazy("Close the session with other values"),
    Remedy.PRICE: gettext_lazy("Price the session"),
    Remedy.WAIT: gettext_lazy("Nothing can be done yet"),
}
REASONS = {
    Why.STILL_RUNS: gettext_lazy("the session still runs"),
    Why.NOTHING_FITS: gettext_lazy("no session of the station fits by time and meter"),
    Why.SEVERAL_FIT: gettext_lazy("several sessions fit: choose by hand"),
    Why.FITS: gettext_lazy("only this session fits by time and meter"),
    Why.MOST_POSSIBLE: gettext_lazy("this is the most that can have been delivered"),
    Why.NO_ENERGY: gettext_lazy("no energy is known to have been delivered"),
    Why.RECEIVE_TIME: gettext_lazy("our receive time counts instead of the charger's"),
    Why.HAS_PAYER: gettext_lazy("the card has a holder who can be billed"),
    Why.HAS_NO_PAYER: gettext_lazy("nobody is known who can be billed"),
    Why.LAST_READING: gettext_lazy("it ended with its last reading"),
    Why.NEXT_START: gettext_lazy("the next start on the connector tells the meter value"),
    Why.FIRST_COUNTS: gettext_lazy("the first stop is plausible and counts"),
    Why.SECOND_FITS: gettext_lazy("the first stop cannot be right and this one can"),
    Why.TARIFF_FOUND: gettext_lazy("a tariff applies by now"),
    Why.NO_TARIFF: gettext_lazy("assign a tariff first"),
    Why.AS_MEASURED: gettext_lazy("it counts as it was measured"),
}


def sentence(proposal: Proposal) -> str:
    """The whole proposal in one line, with the session and the meter where there are any."""
    parts = [str(REMEDIES[proposal.remedy])]
    if proposal.session_id is not None:
        parts.append(f"#{proposal.session_id}")
    if proposal.closing is not None:
        parts.append(_end(proposal.closing))
    return f"{' · '.join(parts)} ({REASONS[proposal.why]})"


def _end(closing: Closing) -> str:
    at = date_format(timezone.localtime(closing.ended_at), "j M Y H:i")
    if closing.meter_stop_wh is None:
        return at
    return _("%(meter)s Wh at %(time)s") % {"meter": f"{closing.meter_stop_wh:,}", "time": at}


def effect(proposal: Proposal) -> list[tuple[str, str, str]]:
    """Rows of what, before and after."""
    before, after = proposal.before, proposal.after
    return [
        (_("Energy"), f"{before.energy_wh:,} Wh", f"{after.energy_wh:,} Wh"),
        (_("Billed"), _amount(before), _amount(after)),
    ]


def _amount(outcome: Outcome) -> str:
    if outcome.satang is None:
        return _("no price")
    return _("%(satang)s satang") % {"satang": f"{outcome.satang:,}"}
