"""A visitor without a browser: speaks Streamlit's own WebSocket protocol to a running server.

What a page sends is what a browser would get; what is pressed or set is what a browser would send, or
what an attacker would, who need not wait until a button is shown.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, Self

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect


class Visitor:
    """One open page. `elements` are what it shows, by their place; `bytes` what came over the wire."""

    def __init__(self, url: str, **headers: str) -> None:
        self.held = contextlib.ExitStack()
        opened = connect(
            url.replace("http", "ws", 1) + "/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            additional_headers=headers,
            max_size=2**28,
            open_timeout=120,
        )
        self.socket = self.held.enter_context(opened)
        self.elements: dict[tuple[int, ...], Any] = {}
        self.widgets: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, Any] = {}
        self.page, self.query, self.session = "", "", ""
        self.bytes, self.errors, self.began = 0, 0, False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.held.close()

    def open(self, page: str, query: str = "", seconds: float = 120.0) -> float:
        """Opens a page by its path; the seconds until it is drawn."""
        self.query = query
        return self._run(seconds, page_name=page)

    def press(self, label: str, seconds: float = 120.0) -> float:
        """Presses the button of that label; the seconds until the page is drawn again."""
        return self.press_id(self.find("button", label).id, seconds)

    def press_id(self, widget: str, seconds: float = 120.0) -> float:
        """Says that the button of that id was pressed, whether the page shows it or not."""
        return self._run(seconds, {widget: {"trigger_value": True}})

    def set(self, widget: str, seconds: float = 120.0, **value: Any) -> float:
        """Sets a widget by its id, such as double_array_value=[60.0]; the seconds until drawn."""
        self.widgets[widget] = value
        return self._run(seconds)

    def again(self, seconds: float = 120.0) -> float:
        """Runs the page again as it is; the seconds until it is drawn."""
        return self._run(seconds)

    def shown(self, kind: str) -> list[Any]:
        """The elements of a kind, such as "button" or "markdown"."""
        return [getattr(e, kind) for e in self.elements.values() if e.WhichOneof("type") == kind]

    def find(self, kind: str, label: str) -> Any:
        """The element of that kind and label; AssertionError with those that there are."""
        found = [one for one in self.shown(kind) if one.label == label]
        assert found, f"no {kind} {label!r} among {[one.label for one in self.shown(kind)]}"
        return found[0]

    def words(self) -> str:
        """All text of the page."""
        kinds = {"markdown": "body", "alert": "body", "heading": "body"}
        return " ".join(getattr(e, f) for k, f in kinds.items() for e in self.shown(k)).replace(
            "\\", ""
        )

    def _run(
        self, seconds: float, now: dict[str, dict[str, Any]] | None = None, **more: str
    ) -> float:
        began = time.monotonic()
        message = BackMsg()
        state = message.rerun_script
        state.query_string = self.query
        state.page_name = more.get("page_name", "")
        state.page_script_hash = "" if more else self.page
        state.context_info.timezone, state.context_info.locale = "UTC", "en"
        for widget, value in {**self.widgets, **(now or {})}.items():
            found = state.widget_states.widgets.add(id=widget)
            for field, content in value.items():
                if field.endswith("array_value"):
                    getattr(found, field).data.extend(content)
                else:
                    setattr(found, field, content)
        with contextlib.suppress(TimeoutError):  # what an earlier run still had to say
            while True:
                self._heard(0.0)
        self.began = False
        self.socket.send(message.SerializeToString())
        while not self._heard(began + seconds - time.monotonic()):
            pass
        return time.monotonic() - began

    def _heard(self, seconds: float) -> bool:
        """Takes in one message; True if it says that the script is done."""
        data = self.socket.recv(timeout=max(0.0, seconds))
        self.bytes += len(data)
        message = ForwardMsg()
        message.ParseFromString(data if isinstance(data, bytes) else data.encode())
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            path = list(message.metadata.delta_path)
            message.CopyFrom(self.messages[message.ref_hash])
            message.metadata.delta_path[:] = path
            kind = message.WhichOneof("type")
        elif message.metadata.cacheable:
            self.messages[message.hash] = message
        if kind == "new_session":
            self.page = message.new_session.page_script_hash
            self.session = message.new_session.initialize.session_id
            self.elements, self.began = {}, True
        elif kind == "navigation":
            self.page = message.navigation.page_script_hash or self.page
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            element = message.delta.new_element
            self.errors += element.WhichOneof("type") == "exception"
            self.elements[tuple(message.metadata.delta_path)] = element
        done = kind == "script_finished" and self.began
        return done and message.script_finished in (
            ForwardMsg.FINISHED_SUCCESSFULLY,
            ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
        )
