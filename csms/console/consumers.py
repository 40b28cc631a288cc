"""The WebSockets that move the console's numbers; read-only, for staff with a second factor."""

import asyncio
import contextlib
from collections.abc import Callable, Hashable
from typing import Any

import orjson
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.models import Device

from accounts.models import User
from accounts.selectors.scope import Caller
from csms.common.errors import NotFound
from csms.console import sessions as sessions_of_console
from csms.console.audience import Audience, audience_for
from csms.console.broadcast import broadcaster
from csms.console.snapshots import dashboard, sessions, stations
from csms.live.threads import in_threads

NOT_SIGNED_IN = 4401
RECHECK_SECONDS = 10.0

in_thread = in_threads("console", 2)


def watcher(scope: dict[str, Any]) -> tuple[User, Audience] | None:
    """The member of staff whose session this is and whose rows they see; None without both factors.

    Reads the session, the user and the device anew each time, so that a sign-out, an expiry or a
    lost role ends a feed that is already open.
    """
    key = getattr(scope.get("session"), "session_key", None)
    session = _session_store()(key).load() if key else {}
    user = User.objects.filter(pk=session.get(SESSION_KEY) or 0, is_active=True).first()
    if user is None or not user.is_staff:
        return None
    if not constant_time_compare(session.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
        return None
    device = Device.from_persistent_id(session.get(DEVICE_ID_SESSION_KEY, ""))
    if device is None or device.user_id != user.pk or not device.confirmed:
        return None
    if sessions_of_console.find(session.get(sessions_of_console.SESSION_KEY), user.pk) is None:
        return None
    return user, audience_for(user)


def _session_store() -> Callable[[str], Any]:
    store: Callable[[str], Any] = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
    return store


class LiveConsumer(AsyncWebsocketConsumer):
    """Sends the page's state whenever it changes; subclasses say what the page shows."""

    queue: "asyncio.Queue[bytes] | None" = None
    key: Hashable = None
    tasks: "list[asyncio.Task[None]]"

    def arguments(self) -> dict[str, Any]:
        return self.scope["url_route"]["kwargs"]

    def read(self, caller: Caller, **arguments: Any) -> dict[str, Any]:
        raise NotImplementedError

    async def connect(self) -> None:
        self.tasks = []
        found = await in_thread(watcher)(self.scope)
        if found is None:
            await self.close()
            return
        user, audience = found
        arguments = self.arguments()

        def read() -> bytes:
            return orjson.dumps(self.read(user, **arguments))

        try:
            await in_thread(read)()
        except NotFound:
            await self.close()
            return
        await self.accept()
        self.key = (type(self).__name__, user.pk, audience, tuple(sorted(arguments.items())))
        self.queue = broadcaster.watch(self.key, in_thread(read))
        self.tasks = [
            asyncio.create_task(self._send_states()),
            asyncio.create_task(self._recheck(audience)),
        ]

    async def _send_states(self) -> None:
        assert self.queue is not None  # noqa: S101
        while True:
            state = await self.queue.get()
            await self.send(text_data=state.decode())

    async def _recheck(self, audience: Audience) -> None:
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            found = await in_thread(watcher)(self.scope)
            if found is None or found[1] != audience:
                await self.close(NOT_SIGNED_IN)
                return

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """The page has nothing to say here; commands go through their own request."""

    async def disconnect(self, code: int) -> None:
        if self.queue is not None:
            broadcaster.unwatch(self.key, self.queue)
        current = asyncio.current_task()
        for task in self.tasks:
            if task is not current:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task


class DashboardConsumer(LiveConsumer):
    def read(self, caller: Caller, **arguments: Any) -> dict[str, Any]:
        return dashboard.read(caller)


class StationConsumer(LiveConsumer):
    def read(self, caller: Caller, **arguments: Any) -> dict[str, Any]:
        return stations.read(caller, **arguments)


class SessionConsumer(LiveConsumer):
    def read(self, caller: Caller, **arguments: Any) -> dict[str, Any]:
        return sessions.read(caller, **arguments)
