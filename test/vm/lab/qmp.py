"""A small client of QEMU's machine protocol (QMP)."""

from __future__ import annotations

import socket
import time
from typing import Any, Callable

from .channel import Channel, ChannelClosed, Message
from .errors import LabError, LabTimeout

EXECUTE_TIMEOUT_S = 30.0


class QmpError(LabError):
    """QEMU refused a command."""


class Qmp:
    """One QMP connection. Its methods may be called from any thread; waits are in seconds."""

    def __init__(self, connection: socket.socket, failure: Callable[[str], LabError]) -> None:
        """`failure` makes an error of what failed, as Guest's does."""
        self._failure = failure
        self._events: list[Message] = []
        self._channel = Channel(connection, "qmp", self._hear)

    def _hear(self, message: Message) -> None:
        if "event" in message:
            message["host_ns"] = time.monotonic_ns()
            self._events.append(message)

    def start(self) -> None:
        """Leaves the negotiation mode; the first thing to do."""
        self.execute("qmp_capabilities")

    def close(self) -> None:
        """Closes the connection; threads that wait on it get a LabError."""
        self._channel.close()

    def execute(self, command: str, **arguments: Any) -> Any:
        """Runs a command and returns what QEMU returned; raises QmpError if it refused."""
        try:
            answer = self._channel.ask({"execute": command, "arguments": arguments}, EXECUTE_TIMEOUT_S)
        except ChannelClosed as error:
            raise self._failure(f"QMP {command}: QEMU has ended ({error})") from error
        if answer is None:
            raise LabTimeout(f"QMP {command}: no answer in {EXECUTE_TIMEOUT_S:g} s")
        if "error" in answer:
            raise QmpError(f"QMP {command} {arguments}: {answer['error'].get('desc')}")
        return answer["return"]

    def event_count(self) -> int:
        """How many events have come so far: a mark for wait_event's `since`."""
        return len(self._events)

    def wait_event(self, name: str, timeout: float, since: int = 0,
                   accept: Callable[[dict[str, Any]], bool] = lambda data: True) -> Message:
        """The first event `name` after the mark `since` whose data `accept` takes.

        Its time of arrival is in `host_ns` (host's monotonic clock). Raises LabTimeout after `timeout` seconds.
        """
        event = self._channel.wait_for(
            lambda: next((event for event in self._events[since:]
                          if event["event"] == name and accept(event.get("data", {}))), None), timeout)
        if event is not None:
            return event
        if self._channel.closed:
            raise self._failure(f"QMP: QEMU ended while waiting for {name}")
        raise LabTimeout(f"QMP: no event {name} in {timeout:g} s")

    def device_add(self, properties: dict[str, Any]) -> None:
        """Plugs a device (the properties as for -device, with driver and id)."""
        self.execute("device_add", **properties)

    def device_del(self, device: str) -> None:
        """Requests the guest to release a device. The event DEVICE_DELETED reports the release."""
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
