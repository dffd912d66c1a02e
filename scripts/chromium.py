"""Headless Chromium, driven through the DevTools protocol over two pipes: no port, no network, no library."""

import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",  # containers run as root and have none
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-pipe",
)

_PATIENCE: Final = 120
"""Seconds to wait for an answer."""


class Page:
    """A page of a browser, and what it complained of or asked the network for since it was opened."""

    def __init__(self, orders: int, answers: int) -> None:
        self._orders, self._answers, self._unread, self._last, self._session = orders, answers, b"", 0, ""
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._loaded = False
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def open(self, file: Path) -> None:
        """Load a file, whole."""
        self._loaded = False
        self._call("Page.navigate", url=file.as_uri())
        while not self._loaded:
            self._hear(self._read())

    @contextmanager
    def beforehand(self, script: str) -> Iterator[None]:
        """Pages opened within run this script before any of their own."""
        added = self._call("Page.addScriptToEvaluateOnNewDocument", source=script)["identifier"]
        try:
            yield
        finally:
            self._call("Page.removeScriptToEvaluateOnNewDocument", identifier=added)

    def run(self, script: str) -> object:
        """The value of a JavaScript expression, awaited where it is a promise. Raises :class:`RuntimeError`."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def go(self, place: str) -> None:
        """To another view of the page, until it is shown."""
        self.run(f"{{ location.hash = {json.dumps(place)}; new Promise(done => setTimeout(done)) }}")
        self.settle()

    def settle(self) -> None:
        """Wait until the page shows what it was asked for: nothing in it is ``aria-busy`` any more."""
        self.wait("!document.querySelector('[aria-busy=true]')")

    def wait(self, condition: str) -> None:
        """Wait until a JavaScript expression is true. Raises :class:`RuntimeError`."""
        if not self.run(
            f"(async () => {{ for (let i = 0; i < {25 * _PATIENCE} && !({condition}); i++)"
            f" await new Promise(done => setTimeout(done, 20)); return Boolean({condition}) }})()"
        ):
            raise RuntimeError(f"waited in vain: {condition}")

    def type(self, text: str) -> None:
        """Type into what has the focus, and wait as long as the page may wait for more."""
        self._call("Input.insertText", text=text)
        self.run("new Promise(done => setTimeout(done, 400))")
        self.settle()

    def press(self, key: str) -> None:
        """A key, by its name in ``KeyboardEvent.key``."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        codes = {"Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40, "ArrowLeft": 37, "ArrowRight": 39}
        known: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": codes.get(key, 0)}
        self._call("Input.dispatchKeyEvent", type="keyDown", text=text, **known)
        self._call("Input.dispatchKeyEvent", type="keyUp", **known)
        self.run("new Promise(done => setTimeout(done, 50))")
        self.settle()

    def prefer(self, scheme: str, width: int = 1280, height: int = 900, media: str = "screen") -> None:
        """Show the page in a window of this size, on a system that likes this colour scheme, or on paper."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._call("Emulation.setEmulatedMedia", media=media, features=features)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self._call("Emulation.setDeviceMetricsOverride", **size)

    def screenshot(self) -> str:
        """The whole page as a PNG in base64."""
        picture: str = self._call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        return picture

    def heap(self) -> float:
        """MiB of the JavaScript heap that are in use once garbage is collected."""
        self._call("HeapProfiler.collectGarbage")
        used: float = self._call("Runtime.getHeapUsage")["usedSize"]
        return used / 2**20

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        self._last += 1
        order: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            order["sessionId"] = self._session
        os.write(self._orders, json.dumps(order).encode() + b"\0")
        while True:
            said = self._read()
            if said.get("id") == self._last:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']}")
                result: dict[str, Any] = said["result"]
                return result
            self._hear(said)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            if not select.select([self._answers], [], [], _PATIENCE)[0]:
                raise RuntimeError("the browser does not answer")
            more = os.read(self._answers, 1 << 20)
            if not more:
                raise RuntimeError("the browser has gone")
            self._unread += more
        message, _, self._unread = self._unread.partition(b"\0")
        said: dict[str, Any] = json.loads(message)
        return said

    def _hear(self, said: dict[str, Any]) -> None:
        told = said.get("params", {})
        match said.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(told["exceptionDetails"]))
            case "Runtime.consoleAPICalled":
                self.complaints.append(json.dumps(told["args"]))
            case "Log.entryAdded":
                self.complaints.append(told["entry"]["text"])
            case "Page.javascriptDialogOpening":
                self.complaints.append(f"a dialog: {told['message']}")
                self._call("Page.handleJavaScriptDialog", accept=True)
            case "Network.requestWillBeSent":
                self.requests.append(told["request"]["url"])


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """An empty page of a browser that keeps its things in the folder ``profile``."""
    if CHROMIUM is None:
        raise RuntimeError("there is no Chromium")
    orders_out, orders_in = os.pipe()
    answers_out, answers_in = os.pipe()
    # Chromium reads orders from descriptor 3 and writes answers to 4; the shell puts the pipes there.
    command = f'exec "$@" 3<&{orders_out} 4>&{answers_in}'
    process = subprocess.Popen(  # noqa: S603 - our own words
        ["/bin/bash", "-c", command, "bash", CHROMIUM, *_FLAGS, f"--user-data-dir={profile}"],
        pass_fds=(orders_out, answers_in),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(orders_out)
    os.close(answers_in)
    try:
        yield Page(orders_in, answers_out)
    finally:
        process.terminate()
        process.wait()
        os.close(orders_in)
        os.close(answers_out)
