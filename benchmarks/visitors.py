"""Many visitors at once: each has a page open and changes the angle of g every few seconds.

python -m benchmarks.visitors [PAGE] [--visitors 40] [--every 5] [--seconds 30] [--same] [--profile]
python -m benchmarks.visitors --visitors 10 --draggers 10 --seconds 15
python -m benchmarks.visitors --visitors 30 --idle

Starts the explorer in a process of its own and speaks Streamlit's WebSocket protocol to it, as browsers
do. Prints the seconds from a change to the page drawn again (median, 95th percentile, largest), the
pages that failed, the server's CPU seconds a redraw and the bytes sent for one, and the load of the
machine. `--draggers N`: so many of them turn g under the hand instead, as a browser does over the live
channel (the newest question once the last is answered, at most 15 a second); prints the milliseconds from a
question to its answer. `--idle`: nobody changes anything; prints what more the server holds in memory than
with the first visitor alone. `--same`: all visitors ask the same questions. `--profile`: what the last ten
runs of the script spent their time on, by cProfile (which makes them slower).
"""

import argparse
import itertools
import json
import math
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.support.visitor import Visitor

ROOT = Path(__file__).resolve().parents[1]
RATE = 15.0  # questions a second of a hand that moves
PROFILED = """
import cProfile, pstats, sys, threading
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.web import cli
place, real, lock, found = sys.argv.pop(), ScriptRunner._run_script, threading.Lock(), []
def profiled(self, *args):
    profile = cProfile.Profile()
    try:
        return profile.runcall(real, self, *args)
    finally:
        with lock:
            found.append(profile)
            if len(found) % 10 == 0:  # the last ones: warm
                sums = pstats.Stats(found[-10])
                for one in found[-9:]:
                    sums.add(one)
                sums.dump_stats(place)
ScriptRunner._run_script = profiled
cli.main(sys.argv[1:], standalone_mode=False)
"""


def serve(profile: str = "") -> tuple[subprocess.Popen, str]:
    """A running explorer and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["run", str(ROOT / "streamlit_app.py"), "--server.port", str(port)]
    words += ["--server.headless", "true"]
    how = ["-c", PROFILED] if profile else ["-m", "streamlit"]
    command = [sys.executable, *how, *words, *([profile] if profile else [])]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
    url = f"http://localhost:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=5).close()
            break
        except OSError:
            time.sleep(0.1)
    return process, url


def cpu(pid: int) -> float:
    """CPU seconds of a process so far, all threads together."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def settled(visitor: Visitor, seconds: float = 180.0) -> None:
    """Waits until nothing is compiled any more on the visitor's page."""
    end = time.monotonic() + seconds
    while "compil" in visitor.words() and time.monotonic() < end:
        time.sleep(1.0)
        visitor.again()


def _turn(visitor: Visitor, draw: random.Random) -> float:
    """Another angle of g, or another random g where the angle stands in the viewer; the seconds."""
    angles = [one for one in visitor.shown("slider") if one.label == "Angle of g"]
    if angles:
        return visitor.set(angles[0].id, double_array_value=[float(draw.randrange(1, 180))])
    seed = visitor.find("number_input", "Seed of g").id
    visitor.widgets[seed] = {"double_value": float(draw.randrange(10**6))}
    return visitor.press("Random")


def _view(visitor: Visitor) -> dict:
    """Path and token of the live channel for what the visitor's page shows."""
    for element in visitor.shown("bidi_component"):
        live = json.loads(element.json or "{}").get("live")
        if live and live["token"]:
            return live
    raise RuntimeError("the page has no live channel")


class Crowd:
    """Visitors with a page open each, and what they had to wait."""

    def __init__(self, url: str, page: str, query: str, count: int, dragging: int) -> None:
        self.visitors = [Visitor(url) for _ in range(count)]
        self.url, self.dragging = url, dragging
        self.times: list[float] = []
        self.answers: list[float] = []
        self.failed: list[str] = []
        for i, visitor in enumerate(self.visitors):
            visitor.open(page, query)
            if i == 0:
                settled(visitor)

    def change(self, every: float, seconds: float, same: bool) -> None:
        """All change the angle of g or drag it, each on its own, for so many seconds."""
        end = time.monotonic() + seconds
        threads = [
            threading.Thread(target=self._drag, args=(v, i, end))
            if i < self.dragging
            else threading.Thread(target=self._one, args=(v, i, every, end, same))
            for i, v in enumerate(self.visitors)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _drag(self, visitor: Visitor, number: int, end: float) -> None:
        """Asks over the live channel for one angle after the other, as a browser does."""
        headers = {"Origin": self.url}
        address = self.url.replace("http", "ws", 1)
        try:
            view = _view(visitor)
            with connect(f"{address}/{view['path']}", additional_headers=headers) as socket:
                time.sleep(number / RATE / max(self.dragging, 1))
                judged, took = 0.0, 0.0
                for n in itertools.count(1):
                    began = time.monotonic()
                    if began > end:
                        return
                    half = 0.1 * number + 0.01 * n
                    q = [0.0, 0.0, math.sin(half), math.cos(half)]
                    judge = began - judged > max(0.2, 4 * took)  # as js/live.js
                    judged = began if judge else judged
                    question = {"n": n, "view": view["token"], "q": q, "judge": judge}
                    socket.send(json.dumps(question))
                    answer = {}
                    while (answer.get("n"), answer.get("part")) != (n, "square"):
                        answer = json.loads(socket.recv(timeout=60))
                        if "error" in answer:
                            raise RuntimeError(answer["error"])
                    took = time.monotonic() - began
                    self.answers.append(took)
                    time.sleep(max(0.0, 1 / RATE - (time.monotonic() - began)))
        except (OSError, RuntimeError, WebSocketException) as error:
            self.failed.append(repr(error))

    def _one(self, visitor: Visitor, number: int, every: float, end: float, same: bool) -> None:
        draw = random.Random(0 if same else number)
        time.sleep(every * number / len(self.visitors))
        while time.monotonic() < end:
            began = time.monotonic()
            try:
                self.times.append(_turn(visitor, draw))
            except Exception as error:
                self.failed.append(repr(error))
                return
            time.sleep(max(0.0, every - (time.monotonic() - began)))


def run(arguments: argparse.Namespace, profile: str = "") -> dict[str, float]:
    """What the visitors had to wait, and what it cost."""
    process, url = serve(profile)
    try:
        first = Crowd(url, arguments.page, arguments.query, 1, 0)
        alone, rest = memory(process.pid), arguments.visitors - 1
        crowd = Crowd(url, arguments.page, arguments.query, rest, arguments.draggers)
        crowd.visitors.insert(0, first.visitors[0])
        if arguments.idle:
            time.sleep(min(10.0, arguments.seconds))
            held = memory(process.pid)
            return {"idle visitors": arguments.visitors, "MB": held, "MB more": held - alone}
        crowd.change(arguments.every, min(5.0, arguments.seconds), arguments.same)  # warm
        crowd.times.clear()
        crowd.answers.clear()
        return {"visitors": arguments.visitors, **_changed(crowd, process.pid, arguments)}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _changed(crowd: Crowd, pid: int, arguments: argparse.Namespace) -> dict[str, float]:
    """What all of them had to wait for so many seconds."""
    sent, began = sum(v.bytes for v in crowd.visitors), cpu(pid)
    mine, held = time.process_time(), memory(pid)
    crowd.change(arguments.every, arguments.seconds, arguments.same)
    used, own = cpu(pid) - began, time.process_time() - mine
    found: dict[str, float] = {
        "failed": len(crowd.failed) + sum(v.errors for v in crowd.visitors),
        "server's cores": used / arguments.seconds,
        "client's cores": own / arguments.seconds,
        "MB": memory(pid),
        "MB more": memory(pid) - held,
        "load": os.getloadavg()[0],
    }
    if crowd.answers:
        found |= {
            "dragging": crowd.dragging,
            "answers": len(crowd.answers),
            "answer, median ms": 1e3 * float(np.median(crowd.answers)),
            "answer, p95 ms": 1e3 * float(np.percentile(crowd.answers, 95)),
        }
    if crowd.times:
        found |= {
            "changes": len(crowd.times),
            "median s": float(np.median(crowd.times)),
            "p95 s": float(np.percentile(crowd.times, 95)),
            "largest s": max(crowd.times),
            "kB a redraw": (sum(v.bytes for v in crowd.visitors) - sent) / len(crowd.times) / 1e3,
        }
    if not crowd.dragging:
        found["CPU s a redraw"] = used / max(len(crowd.times), 1)
    return found


def main() -> None:
    """Prints one line of figures and a JSON document, or a profile."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("page", nargs="?", default="molecule")
    parser.add_argument("--query", default="")
    parser.add_argument("--visitors", type=int, default=40)
    parser.add_argument("--every", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--draggers", type=int, default=0)
    parser.add_argument("--idle", action="store_true")
    parser.add_argument("--same", action="store_true")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    if not 0 <= arguments.draggers <= arguments.visitors:
        parser.error(
            f"Expected at most {arguments.visitors} draggers, as many as visitors, "
            f"got {arguments.draggers}; raise --visitors."
        )
    if arguments.profile:
        import pstats

        with tempfile.NamedTemporaryFile() as file:
            run(arguments, file.name)
            pstats.Stats(file.name).sort_stats("cumulative").print_stats(70)
        return
    result = run(arguments)
    print(", ".join(f"{k} {v:.3g}" for k, v in result.items()))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
