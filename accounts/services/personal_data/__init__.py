"""What `accounts` holds about a person; see `csms.common.personal_data`."""

from accounts.services.personal_data.erasures import ERASURES
from accounts.services.personal_data.exports import EXPORTS, NOT_EXPORTED
from accounts.services.personal_data.retention import KEPT, RETENTION
from csms.common.personal_data import PersonalData

PERSONAL_DATA = PersonalData(
    exports=EXPORTS,
    erasures=ERASURES,
    kept=KEPT,
    retention=RETENTION,
    not_exported=NOT_EXPORTED,
)
