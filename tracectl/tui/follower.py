"""Keeps the view to the session that runs on this machine."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tracectl.errors import TracectlError
from tracectl.kernel.events import Subject
from tracectl.live.feed import Feed, open_feed
from tracectl.live.situation import Situation, look
from tracectl.live.watch import LOOK_S, Watch

if TYPE_CHECKING:
    from tracectl.tui.app import ViewApp


class Follower:
    """Looks at the machine when uevents tell of something, and opens what runs then."""

    def __init__(self, app: ViewApp) -> None:
        self._app = app
        self._watch: Watch | None = None
        self._session_id = 0
        self._looks = 0

    @property
    def is_polling(self) -> bool:
        """No uevents can be received."""
        return self._watch is not None and self._watch.source == "poll"

    def start(self) -> None:
        self._watch = Watch()
        fd = self._watch.fileno()
        if fd is None:
            self._app.set_interval(LOOK_S, self.look)
        else:
            asyncio.get_running_loop().add_reader(fd, self._take)
        self.look()

    def close(self) -> None:
        fd = self._watch.fileno() if self._watch is not None else None
        if fd is not None:
            asyncio.get_running_loop().remove_reader(fd)

    def look(self) -> None:
        """One at a time; what happens meanwhile is looked at afterwards."""
        self._looks += 1
        if self._looks == 1:
            self._app.run_worker(self._find, thread=True)

    def _take(self) -> None:
        events = self._watch.take() if self._watch is not None else []
        for event in events:
            if event.subject in (Subject.MODULE, Subject.CPU):
                which = f"CPU {event.cpu}" if event.cpu is not None else "the module"
                self._app.notify(f"{which} is {event.value}", markup=False)
        if any(event.subject is not Subject.LOST for event in events):
            self.look()

    def _find(self) -> None:
        situation = look()
        feed, reason = None, ""
        if situation.session_id and situation.session_id != self._session_id:
            try:
                feed = open_feed(situation)
            except (TracectlError, OSError) as error:
                reason = str(error)
        self._app.call_from_thread(self._found, situation, feed, reason)

    def _found(self, situation: Situation, feed: Feed | None, reason: str) -> None:
        self._app.situation = situation
        is_again, self._looks = self._looks > 1, 0
        if is_again:
            self.look()
        if feed is not None:
            self._session_id = situation.session_id
            self._app.adopt(feed)
        if reason:
            self._app.complain(reason)
        self._app.show_now()
