"""The sockets of this process, one per station, and when each station was last heard."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from chargepoints.services.anomalies import Anomaly
from ocpp_gateway.station_socket import StationSocket

MOST_DEVIATIONS = 10_000


class Presence:
    """The registry of live sockets. A newer socket of a station replaces the older."""

    def __init__(self) -> None:
        self._sockets: dict[int, StationSocket] = {}
        self.seen: dict[int, datetime] = {}
        self._deviations: list[Anomaly] = []
        # Leases whose end could not be written yet, with code and time.
        self.unreleased: dict[tuple[int, int], tuple[int | None, datetime]] = {}

    def __len__(self) -> int:
        return len(self._sockets)

    def __iter__(self) -> Iterator[StationSocket]:
        return iter(list(self._sockets.values()))

    def get(self, station_id: int) -> StationSocket | None:
        return self._sockets.get(station_id)

    def add(self, socket: StationSocket) -> StationSocket | None:
        """Make `socket` the station's, unless a newer one is; return the one that must close."""
        current = self._sockets.get(socket.station_id)
        if current is not None and current.epoch > socket.epoch:
            return socket
        self._sockets[socket.station_id] = socket
        return current

    def remove(self, socket: StationSocket) -> None:
        """Forget `socket`, but never the newer one that has taken its place."""
        if self._sockets.get(socket.station_id) is socket:
            del self._sockets[socket.station_id]

    def deviated(self, station_id: int, kind: str, detail: str, at: datetime) -> None:
        """Count a deviation for the next tick; of a flood, only its beginning."""
        if len(self._deviations) < MOST_DEVIATIONS:
            self._deviations.append(Anomaly(station_id, kind, detail, at))

    def take_deviations(self) -> list[Anomaly]:
        deviations, self._deviations = self._deviations, []
        return deviations

    def take_seen(self) -> dict[int, datetime]:
        seen, self.seen = self.seen, {}
        return seen

    def not_written(self, seen: Mapping[int, datetime]) -> None:
        """Take back what `take_seen` gave, unless the station was heard since."""
        self.seen = {**seen, **self.seen}
