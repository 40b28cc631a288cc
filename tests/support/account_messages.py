"""What people are written about their accounts, as they would read it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from django.core import mail

from accounts.services import messages
from csms.common import clock
from csms.common.sms import MemorySms

CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")


def deliver() -> None:
    """Send what is due, as the sweeper does."""
    messages.deliver_due(clock.now())


def written_to(address: str) -> list[str]:
    """Subject and text of every mail, or every SMS, to `address`, the oldest first."""
    deliver()
    mails = [f"{one.subject}\n{one.body}" for one in mail.outbox if one.to == [address]]
    return mails + [text for number, text in MemorySms.outbox if number == address]


def code_sent_to(address: str) -> str:
    """The newest code."""
    codes = [found[0] for text in written_to(address) if (found := CODE.findall(text))]
    assert codes, f"No code was sent to {address}."
    return codes[-1]


@contextmanager
def empty_outboxes() -> Iterator[None]:
    MemorySms.outbox.clear()
    yield
    MemorySms.outbox.clear()
