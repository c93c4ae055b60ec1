"""A simulated Slack for each test, whose time stands still until the test lets it pass."""

import json
import os
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path
from queue import Empty, Queue

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

SIMULATOR = os.environ.get("SIMULATOR") or str(
    Path(__file__).parents[3] / "target/debug/examples/slack"
)
# How long a client may take for what it does by itself; only a failure waits so long.
PATIENCE = 20
# Everything must be acknowledged within three seconds; this is just more.
DEADLINE = 3.1


class Slack:
    """The simulator: what Slack does by orders, what people do and see by its page."""

    def __init__(self):
        self.process = subprocess.Popen(
            [SIMULATOR, "0", "still"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        here = json.loads(self.process.stdout.readline())
        self.api_url, self.page_url = here["api_url"], here["page_url"]
        self.bot_token, self.app_token = here["bot_token"], here["app_token"]

    def order(self, do, **fields):
        print(json.dumps({"do": do, **fields}), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, answer
        return answer["ok"]

    def let_pass(self, seconds):
        self.order("pass", seconds=seconds)

    def calls(self, method):
        return self.order("calls", method=method)

    def by(self, user, act, **fields):
        """A person acts; in words, what became of it. It ends once the app has acknowledged, or 3 s have been let pass."""
        body = json.dumps({"user": user, "act": act, **fields}).encode()
        request = urllib.request.Request(
            self.page_url + "page/act", body, {"Content-Type": "application/json"}
        )
        answer = json.load(urllib.request.urlopen(request, timeout=PATIENCE))
        assert answer["ok"], answer
        return answer["became"]

    def acknowledged(self, user, act, **fields):
        became = self.by(user, act, **fields)
        assert became.startswith("acknowledged"), became

    def begins(self, user, act, **fields):
        """A person acts, and the test goes on; the queue gets what became of it."""
        became = Queue()
        doing = lambda: became.put(self.by(user, act, **fields))
        threading.Thread(target=doing, daemon=True).start()
        return became

    def screen(self, user):
        query = urllib.parse.urlencode({"user": user})
        return json.load(urllib.request.urlopen(self.page_url + "page/state?" + query))

    def seen(self, user, channel):
        """The messages on somebody's screen, oldest first."""
        channels = {c["id"]: c["messages"] for c in self.screen(user)["channels"]}
        return channels[channel]

    def texts(self, user, channel):
        return [message["text"] for message in self.seen(user, channel)]

    def end(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)


def until(condition, what="it"):
    """Waits for what a client does by itself."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come about")


def closes(client):
    """Closes a socket's client, which joins its threads for seconds, without waiting for that."""
    threading.Thread(target=client.close, daemon=True).start()


def nothing_in(queue):
    try:
        raise AssertionError(f"too much: {queue.get_nowait()}")
    except Empty:
        pass


@pytest.fixture
def slack():
    slack = Slack()
    yield slack
    slack.end()


@pytest.fixture
def client(slack):
    return WebClient(slack.bot_token, base_url=slack.api_url)


@pytest.fixture
def bolt(slack, client):
    """Bolt's app; `bolt.connect()` once the listeners stand."""
    app = App(client=client)
    handler = SocketModeHandler(app, slack.app_token, web_client=client)

    def connect():
        handler.connect()
        slack.order("await_sockets", count=1)

    app.connect = connect
    yield app
    closes(handler)


def pytest_sessionfinish(session):
    """A test that was not run is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    left = [key for key in ("skipped", "xfailed", "xpassed", "deselected") if reporter.stats.get(key)]
    if left:
        reporter.write_line(f"not every test was run: {left}")
        session.exitstatus = 1
