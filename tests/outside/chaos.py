"""kill -9 at random while webhooks, clicks, forms and commands arrive, on a faulty Slack that is not ours; then what is so?

    python chaos.py VIGIE [--seed 1] [--seconds 90] [--kills 16] [--keep FOLDER]
"""

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bot import Bot, Checks, Source
from faults import Faults
from people import Person, controls
from slack import Slack
from workspace import Workspace

PEOPLE = {f"U0PERSON{n:02}": f"person{n:02}" for n in range(16)}
CHANNELS = {"C0SOC": "soc", "C0SEC": "sec", "C0LAB": "lab"}
LEAD = "U0PERSON01"
CONFIG = """
slack: {channel: "#soc", post_rate: 20/s}
roles:
  analyst: {usergroups: "@blue"}
  lead: {users: U0PERSON01}
  auditor: {users: U0PERSON15}
teams:
  blue: {members: role(analyst), lead: role(lead), on_call: U0PERSON02}
sources:
  edr: {type: generic, auth: {bearer: {env: OUTSIDE_TOKEN}}}
routes:
  - {name: critical, when: "alert.severity == 'critical'", team: blue, channel: "#sec", escalation: critical}
  - {name: lab, when: "alert.severity == 'info'", team: blue, channel: "#lab", escalation: quiet}
  - {name: the-rest, team: blue, escalation: standard}
escalations:
  critical:
    ladder: [{after: 2s, dm: on_call}, {after: 5s, thread: team}, {after: 9s, dm: lead}]
    repeat: {last: 15s, times: 1}
  standard:
    ladder: [{after: 8s, thread: on_call}, {after: 20s, dm: lead}]
    repeat: {last: 60s, times: 1}
  quiet:
    ladder: [{after: 30s, thread: on_call}]
    repeat: {last: 60s, times: 1}
"""


class Story:
    """What was promised to whom, as the outside saw it."""

    def __init__(self, seed: int):
        self.chance = random.Random(seed)
        self.titles: dict[str, str] = {}
        self.answered: dict[str, str] = {}
        self.outcomes: Counter = Counter()
        self.sent: dict[str, str] = {}
        self.heard: dict[str, str] = {}
        self.number = 0
        self.over = asyncio.Event()

    def alert(self) -> dict:
        self.number += 1
        severity = self.chance.choice(["critical", "high", "high", "medium", "low", "info"])
        title = f"Malware <{self.number}> & co on web-{self.number}"
        self.titles[str(self.number)] = title
        return {"id": str(self.number), "title": title, "severity": severity, "hosts": [f"web-{self.number}"],
                "description": "found by the scanner " * self.chance.randrange(1, 20)}

    def again(self, status: str) -> dict:
        id = self.chance.choice(list(self.titles))
        return {"id": id, "title": self.titles[id], "severity": "high", "status": status, "hosts": [f"web-{id}"]}


async def send(story: Story, bot: Bot, pause: float):
    """A source: sends, and sends the very same again until it is answered."""
    source = Source(bot.port)
    while not story.over.is_set():
        kind = story.chance.randrange(10)
        if kind < 6 or not story.titles:
            body = story.alert()
        elif kind < 8:
            body = [story.alert() for _ in range(story.chance.randrange(2, 6))]
        else:
            body = story.again("firing" if kind == 8 else "resolved")
        status, answer = None, {}
        while status != 202:
            status, answer = await source.post(body)
            assert status in (202, 503, 429, None), f"a good webhook was answered {status}"
            if status != 202:
                await asyncio.sleep(0.1)
        bodies = body if isinstance(body, list) else [body]
        for sent, alert in zip(bodies, answer["alerts"], strict=True):
            story.outcomes[alert["outcome"]] += 1
            if alert["outcome"] in ("created", "repeated"):
                story.answered[alert["id"]] = sent["title"]
        await asyncio.sleep(pause * story.chance.uniform(0.5, 1.5))
    source.close()


async def act(story: Story, slack: Slack, person: Person, pause: float):
    """Somebody at a keyboard: presses whatever there is, fills in what opens, asks now and then."""

    def note(kind: str, done: tuple[str, dict | None]):
        trigger, answer = done
        story.sent[trigger] = kind
        if answer is not None:
            story.heard[trigger] = kind

    while not story.over.is_set():
        await asyncio.sleep(pause * story.chance.uniform(0.5, 1.5))
        if story.chance.random() < 0.1:
            words = story.chance.choice(["list", "coverage", "help", "show " + (next(iter(story.answered), "x")), "lst"])
            note("command", await person.command(words, "C0SOC"))
            continue
        channel = story.chance.choice([*CHANNELS, "D0" + person.id[1:]])
        messages = list(slack.workspace.messages.get(channel, {}).values())[-60:]
        pressable = [(m, *control) for m in messages for control in controls(m)]
        if not pressable:
            continue
        message, element, block = story.chance.choice(pressable)
        note("click", await person.press(channel, message, element, block))
        view = await person.form(0.4)
        if view is not None:
            note("form", await person.submit(view, story.chance))


async def kill(story: Story, bot: Bot, slack: Slack, seconds: float, times: int) -> int:
    moments = sorted(story.chance.uniform(2, seconds) for _ in range(times))
    begun, killed = time.monotonic(), 0
    for moment in moments:
        await asyncio.sleep(max(0, begun + moment - time.monotonic()))
        bot.kill()
        killed += 1
        slack.windows.start += 1
        bot.start()
    await asyncio.sleep(max(0, begun + seconds - time.monotonic()))
    return killed


async def settle(bot: Bot, patience: float) -> list[str]:
    """Waits until nothing is left to do; what is left, where that takes too long."""
    until, quiet = time.monotonic() + patience, 0
    while quiet < 5:
        if time.monotonic() > until:
            rows = bot.query("SELECT lane, attempts, parked, substr(effect, 1, 120) FROM outbox LIMIT 10")
            return [str(row) for row in rows] or ["the ladder goes on"]
        await asyncio.sleep(1)
        left = bot.query("SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM due WHERE at < unixepoch() * 1000 + 20000)")
        quiet = quiet + 1 if left[0][0] == 0 else 0
    return []


def look(checks: Checks, story: Story, bot: Bot, slack: Slack):
    """Everything that was promised, from the views and from what people see."""
    alerts = dict(bot.query("SELECT id, title FROM alerts_v1"))
    checks.of("each answered alert is in alerts_v1", [i for i in story.answered if i not in alerts], len(story.answered))
    titled = Counter(alerts.values())
    open_twice = [t for t, n in titled.items() if n > 1 and not resolved_between(bot, t)]
    checks.of("no alert was made twice of one", open_twice, len(alerts))

    everything = [(c, m) for c, messages in slack.workspace.messages.items() for m in messages.values()]
    # A rung that means nobody is told in the channel: that is a notification, and looked at as one.
    told_there = set(bot.query("SELECT channel, message_ts FROM notifications_v1 WHERE level > 0"))
    top = [(c, m) for c, m in everything if c in CHANNELS and m.get("thread_ts") is None and (c, m["ts"]) not in told_there]
    shown = Counter(id for _, m in top for id in ids_in(m))
    named = dict(bot.query("SELECT id, title FROM alerts_v1 WHERE suppressed_by IS NULL"))
    wrong = [f"{title!r} ({id}): {shown[id]} messages" for id, title in named.items() if shown[id] != 1]
    checks.of("each alert is shown once, alone or among others", wrong, len(named))
    places = {(c, m["ts"]) for c, m in top}
    missing = [row for row in bot.query("SELECT id, channel, message_ts FROM alerts_v1") if row[1:] not in places]
    checks.of("each alert's message is where alerts_v1 says", missing, len(alerts))
    marks = Counter(mark for _, m in everything for mark in marks_of(m))
    checks.of("no mark stands in two messages", [f"{mark}: {n}" for mark, n in marks.items() if n > 1], len(marks))

    recorded = Counter()
    for (cause,) in bot.query("SELECT j.cause FROM interactions_v1 i JOIN journal j ON j.seq = i.seq WHERE j.cause IS NOT NULL"):
        recorded[cause] += 1
    # A delivery's key holds Slack's trigger, which no two interactions share.
    keyed = {trigger: n for cause, n in recorded.items() for trigger in cause.replace("/", ":").split(":") if trigger in story.sent}
    lost = [f"{story.heard[t]} {t}" for t in story.heard if t not in keyed]
    checks.of("each acknowledged click, form and command is in interactions_v1", lost, len(story.heard))
    checks.of("none was recorded twice", [t for t in story.sent if keyed.get(t, 0) > 1], len(story.sent))

    told = bot.query("SELECT alert_id, round, level, target, count(*) FROM notifications_v1 WHERE level > 0 "
                     "GROUP BY 1, 2, 3, 4, reason")
    # The last rung is repeated once, and says so in its reason.
    checks.of("nobody was told twice of one rung", [row for row in told if row[4] > 1], len(told))
    texts = Counter((c, m.get("thread_ts"), m["text"]) for c, m in everything if m.get("thread_ts") or c.startswith("D"))
    rows = bot.query("SELECT channel, message_ts FROM notifications_v1 WHERE level > 0")
    noted = Counter(rows)
    unnoted = [row for row in noted if row[1] not in slack.workspace.messages.get(row[0], {})]
    checks.of("each notification's message stands", unnoted, len(noted))
    # A line of what people did may come again with each round of its alert, a notification only as often as the record says.
    said = {(c, m["ts"]): (c, m.get("thread_ts"), m["text"]) for c, m in everything}
    noted_texts = Counter(said[row] for row in set(bot.query("SELECT channel, message_ts FROM notifications_v1")) if row in said)
    rounds = dict(((c, ts), n) for c, ts, n in bot.query(
        "SELECT a.channel, a.message_ts, max(n.round) + 1 FROM alerts_v1 a JOIN notifications_v1 n ON n.alert_id = a.id GROUP BY 1, 2"))
    often = [(k, n) for k, n in texts.items() if n > (noted_texts.get(k) or max(3, rounds.get(k[:2], 0)))]
    checks.of("no line is said more often than there are rounds", often, len(texts))

    code, words = bot.run("audit", "verify", "--config", str(bot.folder / "vigie.yaml"))
    checks.of("vigie audit verify", [] if code == 0 else [words])
    _, words = bot.run("coverage", "--config", str(bot.folder / "vigie.yaml"))
    adds_up = words.startswith("received") and "IS NOT" not in words and "pending 0" in words
    checks.of("received = shown + suppressed", [] if adds_up else [words[:300]])
    # History is allowed here: what may stand already can always be found.
    twice = bot.query("SELECT seq, stream FROM journal WHERE json_extract(body, '$.how') = 'possibly_twice'")
    checks.of("nothing was posted at the risk of standing twice", twice)
    checks.of("no call inside a Retry-After window", slack.windows.inside, slack.windows.told)
    odd = [f"{k}: {n}" for k, n in slack.refusals.items() if not k.startswith(EXPECTED)]
    checks.of("Slack refused nothing as malformed", odd, sum(slack.calls.values()))


# A form that opens too late after a click, and a trigger that a lost answer has used up.
EXPECTED = ("views.open expired_trigger_id", "views.open exchanged_trigger_id", "users.lookupByEmail users_not_found")


def resolved_between(bot: Bot, title: str) -> bool:
    """A firing after a resolved is a new alert: all but one must have been resolved; some were reopened since."""
    sql = (f"SELECT count(*) FROM alerts_v1 a WHERE title = '{title}' AND resolved_at IS NULL AND NOT EXISTS "
           "(SELECT 1 FROM interactions_v1 i WHERE i.alert_id = a.id AND i.action = 'reopen' AND i.outcome = 'done')")
    return bot.query(sql)[0][0] <= 1


def ids_in(message: dict) -> set[str]:
    """The alerts that a message shows: not those that they came before as."""
    return set(re.findall(r"(?<!came before as `)\balr_[0-9A-Z]{26}", json.dumps(message, ensure_ascii=False)))


def marks_of(message: dict) -> list[str]:
    payload = message.get("metadata", {}).get("event_payload", {})
    return [id for value in payload.values() for id in (value if isinstance(value, list) else [value])]


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--kills", type=int, default=16)
    parser.add_argument("--settle", type=float, default=300)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="vigie-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)

    story = Story(options.seed)
    workspace = Workspace(PEOPLE, CHANNELS, {"blue": [id for id in PEOPLE if id != "U0PERSON14"]})
    slack = await Slack(workspace, Faults(options.seed, lost=0.10, failed=0.05, repeated=0.10)).start()
    bot = Bot(options.binary, folder, CONFIG, slack.base + "/api/")
    bot.start()
    try:
        await bot.ready()
        busy = [asyncio.create_task(send(story, bot, 0.5)) for _ in range(4)]
        busy += [asyncio.create_task(act(story, slack, Person(slack, id), 0.9)) for id in PEOPLE]
        killed = await kill(story, bot, slack, options.seconds, options.kills)
        story.over.set()
        await asyncio.gather(*busy)
        slack.faults.heal()
        left = await settle(bot, options.settle)
        print(f"seed {options.seed}: {killed} kills in {options.seconds:.0f} s; alerts {dict(story.outcomes)}; "
              f"{len(story.heard)} of {len(story.sent)} interactions acknowledged {dict(Counter(story.heard.values()))}")
        print(f"Slack: {sum(slack.calls.values())} calls {slack.calls}")
        print(f"faults: {slack.faults.happened}; Retry-After told {slack.windows.told} times, calls within one after a restart: "
              f"{slack.windows.after_a_restart}; refusals {slack.refusals}")
        checks = Checks()
        checks.of("everything that was to be done is done", left)
        look(checks, story, bot, slack)
        checks.of("a good stop", [] if bot.stop() == 0 else [bot.last_words()])
        print(f"kept in {folder}" if checks.failed or options.keep else "nothing is kept")
        return checks.end()
    finally:
        bot.kill()
        await slack.stop()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
