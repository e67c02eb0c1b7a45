# SPDX-License-Identifier: BSD-3-Clause
"""Azure's metadata service for the tests of netvsc-scheduled-events: it cannot be had outside Azure.

As a program: metadata_service.py PORT NAME FILE; FILE has the document of scheduled events and may change.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable
from urllib.parse import urlsplit

NAME_PATH = "/metadata/instance/compute/name"
EVENTS_PATH = "/metadata/scheduledevents"


def scheduled_event(id: str = "E1", starts_in_s: float | None = None, **changes: Any) -> dict[str, Any]:
    """A Freeze of the machine vm1 in the documented form: started, or announced for a time from now."""
    announced = starts_in_s is not None
    return {"EventId": id, "EventStatus": "Scheduled" if announced else "Started", "EventType": "Freeze",
            "ResourceType": "VirtualMachine", "Resources": ["vm0", "vm1"],
            "NotBefore": formatdate(time.time() + starts_in_s, usegmt=True) if announced else "",
            "Description": "Virtual machine is being paused.", "EventSource": "Platform", "DurationInSeconds": 5,
            **changes}


def document_of(*events: dict[str, Any], incarnation: int = 1) -> str:
    return json.dumps({"DocumentIncarnation": incarnation, "Events": list(events)})


class MetadataService:
    """Listens on 127.0.0.1. The text in `document`, or what it returns, is the list of events."""

    def __init__(self, document: str | Callable[[], str], name: str = "vm1", port: int = 0) -> None:
        self.document = document
        self.name = name
        self.status = 200
        self.headers: dict[str, str] = {}
        self.requests: list[tuple[str, str, str | None]] = []  # method, path with query, header Metadata
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                service.answer(self)
            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """The client may end a connection at any time."""

        self._server = Server(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._ended = threading.Event()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append((request.command, request.path, request.headers.get("Metadata")))
        path = urlsplit(request.path).path
        if self._ended.is_set():
            request.close_connection = True
            return
        texts = {NAME_PATH: lambda: self.name,
                 EVENTS_PATH: self.document if callable(self.document) else lambda: self.document}
        # The service refuses a request without this header.
        status = 404 if path not in texts else 400 if request.headers.get("Metadata") != "true" else self.status
        body = texts[path]().encode() if status == 200 else b"{}"
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        for header in self.headers.items():
            request.send_header(*header)
        request.end_headers()
        try:
            request.wfile.write(body)
        except OSError:  # the client has read enough
            pass

    def hang(self) -> str:
        """As a document: there is no answer."""
        self._ended.wait()
        return ""

    def close(self) -> None:
        """Ends it, with all connections."""
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()


if __name__ == "__main__":
    file = Path(sys.argv[3])
    MetadataService(file.read_text, sys.argv[2], int(sys.argv[1]))
    print("ready", flush=True)
    threading.Event().wait()
