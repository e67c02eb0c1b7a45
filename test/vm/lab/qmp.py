"""A small client of QEMU's machine protocol (QMP)."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any, Callable

from .errors import LabError, LabTimeout

EXECUTE_TIMEOUT_S = 30.0


class QmpError(LabError):
    """QEMU refused a command."""


class Qmp:
    """One QMP connection. Its methods may be called from any thread; waits are in seconds."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._changed = threading.Condition()
        self._answers: dict[int, dict[str, Any]] = {}
        self._events: list[dict[str, Any]] = []
        self._last_id = 0
        self._closed = False
        self._reader = threading.Thread(target=self._read, name="qmp", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._socket.makefile("rb") as stream:
            try:
                for line in stream:
                    message = json.loads(line)
                    with self._changed:
                        if "event" in message:
                            message["host_ns"] = time.monotonic_ns()
                            self._events.append(message)
                        elif "id" in message:
                            self._answers[message["id"]] = message
                        self._changed.notify_all()
            except OSError:
                pass
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def start(self) -> None:
        """Leaves the negotiation mode; the first thing to do."""
        self.execute("qmp_capabilities")

    def close(self) -> None:
        """Closes the connection; threads that wait on it get a LabError."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._reader.join()
        self._socket.close()

    def execute(self, command: str, **arguments: Any) -> Any:
        """Runs a command and returns what QEMU returned; raises QmpError if it refused."""
        with self._changed:
            self._last_id += 1
            number = self._last_id
            request = {"execute": command, "arguments": arguments, "id": number}
            try:
                self._socket.sendall(json.dumps(request).encode() + b"\n")
            except OSError as error:
                raise LabError(f"QMP {command}: QEMU has gone ({error})") from error
            done = self._changed.wait_for(lambda: number in self._answers or self._closed, EXECUTE_TIMEOUT_S)
            answer = self._answers.pop(number, None)
        if answer is None:
            if done:
                raise LabError(f"QMP {command}: QEMU has gone")
            raise LabTimeout(f"QMP {command}: no answer in {EXECUTE_TIMEOUT_S:g} s")
        if "error" in answer:
            raise QmpError(f"QMP {command} {arguments}: {answer['error'].get('desc')}")
        return answer["return"]

    def event_count(self) -> int:
        """How many events have come so far: a mark for wait_event's `since`."""
        with self._changed:
            return len(self._events)

    def wait_event(self, name: str, timeout: float, since: int = 0,
                   accept: Callable[[dict[str, Any]], bool] = lambda data: True) -> dict[str, Any]:
        """The first event `name` after the mark `since` whose data `accept` takes.

        Its time of arrival is in `host_ns` (host's monotonic clock). Raises LabTimeout after `timeout` seconds.
        """
        def find() -> dict[str, Any] | None:
            return next((event for event in self._events[since:]
                         if event["event"] == name and accept(event.get("data", {}))), None)

        with self._changed:
            self._changed.wait_for(lambda: find() is not None or self._closed, timeout)
            event = find()
            if event is not None:
                return event
            if self._closed:
                raise LabError(f"QMP: QEMU ended while waiting for {name}")
        raise LabTimeout(f"QMP: no event {name} in {timeout:g} s")

    def device_add(self, properties: dict[str, Any]) -> None:
        """Plugs a device (the properties as for -device, with driver and id)."""
        self.execute("device_add", **properties)

    def device_del(self, device: str) -> None:
        """Asks the guest to release a device; DEVICE_DELETED tells when it has."""
        self.execute("device_del", id=device)

    def set_link(self, name: str, up: bool) -> None:
        """Sets a NIC's link state."""
        self.execute("set_link", name=name, up=up)

    def netdev_add(self, properties: dict[str, Any]) -> None:
        """Adds a network back end (the properties as for -netdev, with type and id)."""
        self.execute("netdev_add", **properties)

    def netdev_del(self, netdev: str) -> None:
        """Removes a network back end."""
        self.execute("netdev_del", id=netdev)
