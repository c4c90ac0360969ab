"""Many visitors at once: each has a page open and changes the angle of g every few seconds.

python benchmarks/visitors.py [PAGE] [--visitors 40] [--every 5] [--seconds 60] [--same] [--profile]

Starts the explorer in a process of its own and speaks Streamlit's WebSocket protocol to it, as browsers
do. Prints the seconds from a change to the page drawn again (median, 95th percentile, largest), the
pages that failed, the server's CPU seconds a redraw and the bytes sent for one, and the load of the
machine. `--same`: all visitors ask the same questions. `--profile`: what the last ten
runs of the script spent their time on, by cProfile (which makes them slower).
"""

import argparse
import json
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

from tests.support.visitor import Visitor

ROOT = Path(__file__).resolve().parents[1]
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


class Crowd:
    """Visitors with a page open each, and what they had to wait."""

    def __init__(self, url: str, page: str, query: str, count: int) -> None:
        self.visitors = [Visitor(url) for _ in range(count)]
        self.times: list[float] = []
        self.failed: list[str] = []
        for i, visitor in enumerate(self.visitors):
            visitor.open(page, query)
            if i == 0:
                settled(visitor)

    def change(self, every: float, seconds: float, same: bool) -> None:
        """All change the angle of g, each on its own, for so many seconds."""
        end = time.monotonic() + seconds
        threads = [
            threading.Thread(target=self._one, args=(v, i, every, end, same))
            for i, v in enumerate(self.visitors)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

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
        crowd = Crowd(url, arguments.page, arguments.query, arguments.visitors)
        crowd.change(arguments.every, min(10.0, arguments.seconds), arguments.same)  # warm
        crowd.times.clear()
        sent, began = sum(v.bytes for v in crowd.visitors), cpu(process.pid)
        mine, held = time.process_time(), memory(process.pid)
        crowd.change(arguments.every, arguments.seconds, arguments.same)
        count = len(crowd.times)
        return {
            "visitors": arguments.visitors,
            "changes": count,
            "median s": float(np.median(crowd.times)),
            "p95 s": float(np.percentile(crowd.times, 95)),
            "largest s": max(crowd.times),
            "failed": len(crowd.failed) + sum(v.errors for v in crowd.visitors),
            "CPU s a redraw": (cpu(process.pid) - began) / count,
            "client's CPU s": (time.process_time() - mine) / count,
            "kB a redraw": (sum(v.bytes for v in crowd.visitors) - sent) / count / 1e3,
            "MB": held,
            "MB more": memory(process.pid) - held,
            "load": os.getloadavg()[0],
        }
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def main() -> None:
    """Prints one line of figures and a JSON document, or a profile."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("page", nargs="?", default="molecule")
    parser.add_argument("--query", default="")
    parser.add_argument("--visitors", type=int, default=40)
    parser.add_argument("--every", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--same", action="store_true")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
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
