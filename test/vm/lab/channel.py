"""Requests and answers as lines of JSON over a socket. The `id` identifies an answer. QMP and the agent use this form."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any, Callable

Message = dict[str, Any]


class ChannelClosed(Exception):
    """The other end has closed the connection."""


class Channel:
    """One connection. Its methods may be called from any thread; waits are in seconds."""

    def __init__(self, connection: socket.socket, name: str, unasked: Callable[[Message], None]) -> None:
        """`unasked` is given, under the channel's lock, each message that answers nothing."""
        self._socket = connection
        self._unasked = unasked
        self._changed = threading.Condition()
        self._answers: dict[int, Message] = {}
        self._waiting: set[int] = set()
        self._last_id = 0
        self._closed = False
        self._reader = threading.Thread(target=self._read, name=name, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._socket.makefile("rb") as stream:
            try:
                for line in stream:
                    message = json.loads(line)
                    with self._changed:
                        if "id" not in message:
                            self._unasked(message)
                        elif message["id"] in self._waiting:
                            self._answers[message["id"]] = message
                        self._changed.notify_all()
            except OSError:
                pass
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def close(self) -> None:
        """Closes the connection and wakes the threads that wait on it."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._reader.join()
        self._socket.close()

    def ask(self, request: Message, timeout: float) -> Message | None:
        """The answer to a request; None if there was none in time. Raises ChannelClosed."""
        with self._changed:
            self._last_id += 1
            number = self._last_id
            self._waiting.add(number)
            try:
                self._socket.sendall(json.dumps({**request, "id": number}).encode() + b"\n")
                self._changed.wait_for(lambda: number in self._answers or self._closed, timeout)
            except OSError as error:
                raise ChannelClosed(str(error)) from error
            finally:
                self._waiting.discard(number)
            answer = self._answers.pop(number, None)
            if answer is None and self._closed:
                raise ChannelClosed("it ended")
            return answer

    def wait_for(self, found: Callable[[], Any], timeout: float) -> Any:
        """Waits until found(), called under the channel's lock, returns a true value. Returns that value.

        Returns the last value after the time-out, or at once if the other end has closed the connection.
        """
        with self._changed:
            self._changed.wait_for(lambda: found() or self._closed, timeout)
            return found()

    @property
    def closed(self) -> bool:
        """Whether the connection is closed."""
        return self._closed
