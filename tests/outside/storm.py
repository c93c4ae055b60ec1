"""A storm on a Slack that takes one post a second and channel, and answers slowly: what is shown first, how fast, in how much memory?

    python storm.py VIGIE [--only burst|flood] [--alerts N] [--all-shown SECONDS]

burst: 10,000 alerts in 60 s, one in a hundred critical. flood: 100,000 as fast as they are taken.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter, deque
from pathlib import Path

from bot import Bot, Checks, Source
from faults import Bucket, Faults
from slack import Slack
from workspace import Workspace

RATE, BURST, SLOW = 1.0, 5, 0.2
CRITICAL_EVERY = 100
MEMORY = 60.0
FIRST_CRITICAL = 5.0
CONFIG = """
slack: {channel: "#soc"}
roles: {analyst: {users: U0ANA}}
sources:
  edr: {type: generic, auth: {bearer: {env: OUTSIDE_TOKEN}}}
routes:
  - {name: critical, when: "alert.severity == 'critical'", channel: "#sec"}
  - {name: the-rest}
"""


class Storm:
    """What was sent, and how the answers came."""

    def __init__(self, alerts: int):
        self.alerts, self.next = alerts, 0
        self.answered: dict[str, str] = {}
        self.waits: list[float] = []
        self.later = 0
        self.first_critical: float | None = None
        self.done = asyncio.Event()

    def alert(self) -> dict | None:
        if self.next == self.alerts:
            return None
        self.next += 1
        n = self.next
        severity = "critical" if n % CRITICAL_EVERY == 0 else ("high", "medium", "low")[n % 3]
        return {"id": f"d-{n}", "title": f"A shell was spawned by the web server on web-{n}", "severity": severity,
                "rule": "shell-from-web-server", "hosts": [f"web-{n}"], "users": ["www-data"], "ips": ["192.0.2.7"],
                "url": f"https://edr.example.com/detections/{n}"}


async def send(storm: Storm, bot: Bot, pause: float):
    source = Source(bot.port)
    due = time.monotonic()
    while (alert := storm.alert()) is not None:
        due += pause
        if pause:
            await asyncio.sleep(max(0, due - time.monotonic()))
        status = None
        while status != 202:
            begun = time.monotonic()
            status, answer = await source.post(alert)
            storm.waits.append(time.monotonic() - begun)
            if status != 202:
                storm.later += 1
                await asyncio.sleep(0.2)
        storm.answered[answer["alerts"][0]["id"]] = alert["title"]
        if alert["severity"] == "critical" and storm.first_critical is None:
            storm.first_critical = time.monotonic()
    source.close()


class Watch:
    """Memory, health and the first critical's message, as time goes by."""

    def __init__(self, storm: Storm, bot: Bot, slack: Slack):
        self.storm, self.bot, self.slack = storm, bot, slack
        self.memory: list[tuple[float, float]] = []
        self.healths: Counter = Counter()
        self.shown_after: float | None = None

    async def run(self):
        source, begun = Source(self.bot.port), time.monotonic()
        while not self.storm.done.is_set():
            self.memory.append((time.monotonic() - begun, self.bot.memory()))
            self.healths[await source.get("/healthz")] += 1
            if self.shown_after is None and self.storm.first_critical and self.slack.workspace.messages["C0SEC"]:
                at = next(at for at, channel in self.slack.posted if channel == "C0SEC")
                self.shown_after = max(0.0, at - self.storm.first_critical)
            await asyncio.sleep(0.25)
        source.close()

    def curve(self) -> str:
        every = max(1, len(self.memory) // 12)
        return ", ".join(f"{mib:.0f} MiB at {at:.0f} s" for at, mib in self.memory[::every])


def fastest(slack: Slack, window: float = 10.0) -> float:
    """The most posts a second in one channel, over any window: each channel's burst counts in it."""
    most, lately = 0, {}
    for at, channel in slack.posted:
        times = lately.setdefault(channel, deque())
        times.append(at)
        while times[0] < at - window:
            times.popleft()
        most = max(most, len(times))
    return most / window


def named(slack: Slack, titles: list[str]) -> list[str]:
    """The titles that no message names."""
    text = "\n".join(str(m) for messages in slack.workspace.messages.values() for m in messages.values())
    words = set(text.replace("*", " ").replace("'", " ").replace("\\n", " ").split())
    return [title for title in titles if title.rsplit(" ", 1)[-1] not in words]


async def weather(options, name: str, alerts: int, over: float) -> tuple[Checks, str]:
    folder = Path(tempfile.mkdtemp(prefix=f"vigie-storm-{name}-"))
    workspace = Workspace({"U0ANA": "ana"}, {"C0SOC": "soc", "C0SEC": "sec"})
    slack = await Slack(workspace, Faults(1), Bucket(RATE, BURST), SLOW).start()
    bot, storm, checks = Bot(options.binary, folder, CONFIG, slack.base + "/api/"), Storm(alerts), Checks()
    bot.start()
    try:
        await bot.ready()
        idle = bot.memory()
        watch = Watch(storm, bot, slack)
        watching, begun = asyncio.create_task(watch.run()), time.monotonic()
        callers = options.connections
        await asyncio.gather(*(send(storm, bot, over * callers / alerts) for _ in range(callers)))
        took = time.monotonic() - begun
        await asyncio.sleep(20)
        until = time.monotonic() + (options.all_shown or 0)
        while time.monotonic() < until and bot.query("SELECT count(*) FROM outbox")[0][0]:
            await asyncio.sleep(1)
        storm.done.set()
        await watching
        waits = sorted(storm.waits)
        peak = bot.memory("VmHWM")
        print(f"\n{name}: {len(storm.answered)} alerts answered 202 in {took:.0f} s ({len(storm.answered) / took:.0f}/s), "
              f"{storm.later} told to come later; webhook p50 {waits[len(waits) // 2] * 1000:.1f} ms, "
              f"p99 {waits[len(waits) * 99 // 100] * 1000:.1f} ms, max {waits[-1] * 1000:.0f} ms")
        print(f"memory: idle {idle:.1f} MiB, peak {peak:.1f} MiB, {watch.curve()}")
        print(f"memory in kinds, now: RssAnon {bot.memory('RssAnon'):.1f} MiB, RssFile {bot.memory('RssFile'):.1f} MiB, "
              f"RssShmem {bot.memory('RssShmem'):.1f} MiB")
        print(f"posts: {len(slack.posted)} in {took + 20:.0f} s, {fastest(slack):.2f}/s a channel at most over 10 s; "
              f"429 told {slack.windows.told} times")
        checks.of(f"{name}: no alert that was answered is lost",
                  sorted(set(storm.answered) - {i for (i,) in bot.query("SELECT id FROM alerts_v1")}), len(storm.answered))
        late = watch.shown_after is None or watch.shown_after > FIRST_CRITICAL
        after = "never" if watch.shown_after is None else f"{watch.shown_after:.2f} s"
        checks.of(f"{name}: the first critical is shown within {FIRST_CRITICAL:.0f} s", [after] if late else [])
        print(f"          after {after}")
        ill = [f"{status}: {n} times" for status, n in watch.healths.items() if status != 200]
        checks.of(f"{name}: /healthz is 200 all the while", ill, sum(watch.healths.values()))
        checks.of(f"{name}: the memory stays under {MEMORY:.0f} MiB", [f"{peak:.1f} MiB"] if peak > MEMORY else [])
        fast = fastest(slack)
        checks.of(f"{name}: a channel gets no more than its rate", [f"{fast}/s"] if fast > RATE + BURST / 10 else [])
        checks.of(f"{name}: no call inside a Retry-After window", slack.windows.inside, slack.windows.told)
        if options.all_shown:
            checks.of(f"{name}: every alert is named in a message", named(slack, list(storm.answered.values())), alerts)
        if options.again:
            await start_again(bot, watch)
        return checks, str(folder)
    finally:
        bot.kill()
        await slack.stop()


async def start_again(bot: Bot, watch: Watch):
    """The same after a kill: a start with all of it open."""
    bot.kill()
    begun = time.monotonic()
    bot.start()
    await bot.ready()
    ready = time.monotonic() - begun
    await asyncio.sleep(20)
    print(f"started again: ready after {ready:.2f} s, {bot.memory():.1f} MiB, peak {bot.memory('VmHWM'):.1f} MiB")


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--only", choices=["burst", "flood"])
    parser.add_argument("--alerts", type=int)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--all-shown", type=float, help="wait so long for every alert to be named, and want it")
    parser.add_argument("--again", action="store_true", help="kill it at the end, start it again and look at that")
    options = parser.parse_args()
    together = Checks()
    for name, alerts, over in [("burst", 10_000, 60.0), ("flood", 100_000, 0.0)]:
        if options.only in (None, name):
            checks, _ = await weather(options, name, options.alerts or alerts, over)
            together.passed, together.failed = together.passed + checks.passed, together.failed + checks.failed
    return together.end()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
