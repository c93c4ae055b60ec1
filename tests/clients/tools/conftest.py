"""The stand-ins for the tools, fresh for each test, as another process."""

import json
import os
import subprocess
import urllib.request
from pathlib import Path

import pytest

STANDINS = os.environ.get("STANDINS") or str(Path(__file__).parents[3] / "target/debug/examples/standins")
PATIENCE = 20


class Standins:
    """Where each of them is (`here`), what was called, and what is to go wrong."""

    def __init__(self):
        self.process = subprocess.Popen(
            [STANDINS, "settles=0.2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.here = json.loads(self.process.stdout.readline())

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.here["control"] + path, data, {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request, timeout=PATIENCE))

    def state(self, tool):
        return next(one for one in self.ask("/state") if one["name"] == tool)["state"]

    def effects(self, tool):
        return [call["did"] for call in self.ask(f"/calls?tool={tool}") if call["did"]]

    def fails(self, tool, fault, to="*"):
        self.ask("/faults", {"tool": tool, "fault": fault, "to": to})

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0


@pytest.fixture
def standins():
    standins = Standins()
    yield standins
    standins.end()


def pytest_sessionfinish(session):
    """A test that was not run is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    left = [key for key in ("skipped", "xfailed", "xpassed", "deselected") if reporter.stats.get(key)]
    if left:
        reporter.write_line(f"not every test was run: {left}")
        session.exitstatus = 1
