"""A Slack workspace as its public documentation describes it: people, channels, messages, direct messages, views."""

import itertools
import secrets
import time

BOT_USER, BOT_ID, APP, TEAM = "U0VIGIEBOT", "B0VIGIE", "A0VIGIE", "T0LOOKALIKE"
BOT_TOKEN, APP_TOKEN = "xoxb-look-alike", "xapp-look-alike"


class Refused(Exception):
    """`ok: false` with Slack's word."""

    def __init__(self, word: str, **more):
        super().__init__(word)
        self.word, self.more = word, more


class Workspace:
    def __init__(self, people: dict[str, str], channels: dict[str, str], groups: dict[str, list[str]] | None = None):
        self.users = {id: self._user(id, name) for id, name in people.items()}
        self.users[BOT_USER] = self._user(BOT_USER, "vigie") | {"is_bot": True}
        self.channels = {id: {"id": id, "name": name, "is_channel": True, "is_im": False, "is_archived": False,
                              "is_member": True, "is_private": False} for id, name in channels.items()}
        self.groups = {f"S0{handle.upper()}": (handle, members) for handle, members in (groups or {}).items()}
        # By channel: messages by ts, oldest first; a thread's replies stand beside their parent with `thread_ts`.
        self.messages: dict[str, dict[str, dict]] = {id: {} for id in self.channels}
        self.ephemerals: list[dict] = []
        self.views: dict[str, dict] = {}
        self.triggers: dict[str, tuple[float, str]] = {}
        self.used_triggers: set[str] = set()
        self.response_urls: dict[str, dict] = {}
        self._last_ts = 0
        self._numbers = itertools.count(1)

    @staticmethod
    def _user(id: str, name: str) -> dict:
        return {"id": id, "team_id": TEAM, "name": name, "deleted": False, "real_name": name.title(), "tz": "Europe/Paris",
                "is_bot": False, "is_restricted": False, "is_ultra_restricted": False, "is_app_user": False, "updated": 1,
                "profile": {"email": f"{name}@example.com", "display_name": name, "real_name": name.title()}}

    def ts(self) -> str:
        self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06}"

    # Channels and people.

    def channel(self, named: str | None) -> str:
        """The id of a channel given by id or `#name`, or of the direct messages with a person."""
        if not named:
            raise Refused("channel_not_found")
        if named in self.channels:
            return named
        if named in self.users:
            return self.direct(named)
        for id, channel in self.channels.items():
            if channel["name"] == named.lstrip("#") and not channel["is_im"]:
                return id
        raise Refused("channel_not_found")

    def direct(self, user: str) -> str:
        if user not in self.users or user == BOT_USER:
            raise Refused("user_not_found")
        id = "D0" + user[1:]
        if id not in self.channels:
            self.channels[id] = {"id": id, "is_im": True, "is_channel": False, "user": user, "is_archived": False, "name": ""}
            self.messages[id] = {}
        return id

    # Messages.

    def post(self, arguments: dict) -> dict:
        channel = self.channel(arguments.get("channel"))
        check_content(arguments)
        thread = arguments.get("thread_ts")
        if thread is not None and thread not in self.messages[channel]:
            raise Refused("thread_not_found")
        ts = self.ts()
        message = {"type": "message", "user": BOT_USER, "bot_id": BOT_ID, "app_id": APP, "team": TEAM, "ts": ts}
        message |= {key: arguments[key] for key in ("text", "blocks", "attachments", "metadata") if arguments.get(key)}
        message.setdefault("text", "")
        if thread is not None:
            message["thread_ts"] = thread
        self.messages[channel][ts] = message
        return {"channel": channel, "ts": ts, "message": message}

    def update(self, arguments: dict) -> dict:
        channel, ts = arguments.get("channel"), arguments.get("ts")
        if channel not in self.channels:
            raise Refused("channel_not_found")
        message = self.messages[channel].get(ts)
        if message is None:
            raise Refused("message_not_found")
        check_content(arguments)
        # What is not given keeps its old content.
        message |= {key: arguments[key] for key in ("text", "blocks", "attachments", "metadata") if key in arguments}
        message["edited"] = {"user": BOT_USER, "ts": self.ts()}
        return {"channel": channel, "ts": ts, "text": message["text"], "message": message}

    def history(self, arguments: dict, thread: str | None = None) -> dict:
        channel = arguments.get("channel")
        if channel not in self.channels:
            raise Refused("channel_not_found")
        messages = list(self.messages[channel].values())
        if thread is None:
            messages = [m for m in messages if m.get("thread_ts") in (None, m["ts"])][::-1]
        else:
            if thread not in self.messages[channel]:
                raise Refused("thread_not_found")
            messages = [m for m in messages if thread in (m["ts"], m.get("thread_ts"))]
        oldest, latest = float(arguments.get("oldest") or 0), float(arguments.get("latest") or 1e12)
        if is_true(arguments.get("inclusive")):
            messages = [m for m in messages if oldest <= float(m["ts"]) <= latest]
        else:
            messages = [m for m in messages if oldest < float(m["ts"]) < latest]
        if not is_true(arguments.get("include_all_metadata")):
            messages = [{k: v for k, v in m.items() if k != "metadata"} for m in messages]
        page, cursor = paged(messages, arguments)
        answer = {"messages": page, "has_more": bool(cursor), "pin_count": 0}
        return answer | ({"response_metadata": {"next_cursor": cursor}} if cursor else {})

    # Triggers, views, response URLs.

    def trigger(self, user: str) -> str:
        trigger = f"{next(self._numbers)}.{secrets.randbelow(10**9)}.{secrets.token_hex(16)}"
        self.triggers[trigger] = (time.monotonic() + 3, user)
        return trigger

    def open_view(self, arguments: dict) -> dict:
        trigger, view = arguments.get("trigger_id"), arguments.get("view")
        if trigger not in self.triggers:
            raise Refused("invalid_trigger_id")
        until, user = self.triggers[trigger]
        if trigger in self.used_triggers:
            raise Refused("exchanged_trigger_id")
        if time.monotonic() > until:
            raise Refused("expired_trigger_id")
        check_view(view)
        self.used_triggers.add(trigger)
        id = f"V{next(self._numbers):08}"
        self.views[id] = view | {"id": id, "team_id": TEAM, "app_id": APP, "bot_id": BOT_ID, "hash": self.ts(),
                                 "state": {"values": {}}, "root_view_id": id, "previous_view_id": None, "of": user}
        return {"view": {k: v for k, v in self.views[id].items() if k != "of"}}

    def response_url(self, user: str, channel: str, base: str) -> str:
        key = secrets.token_hex(12)
        self.response_urls[key] = {"left": 5, "until": time.monotonic() + 1800, "user": user, "channel": channel}
        return f"{base}/actions/{TEAM}/{key}"

    def respond(self, key: str, body: dict):
        use = self.response_urls.get(key)
        if use is None or time.monotonic() > use["until"]:
            raise Refused("expired_url")
        if use["left"] == 0:
            raise Refused("used_url")
        check_content(body)
        use["left"] -= 1
        if body.get("response_type") == "in_channel":
            return self.post(body | {"channel": use["channel"]})
        self.ephemerals.append(body | {"user": use["user"], "channel": use["channel"]})


def is_true(value) -> bool:
    return value in (True, 1, "1", "true", "True")


def paged(items: list, arguments: dict) -> tuple[list, str]:
    limit = int(arguments.get("limit") or 100)
    if not 1 <= limit <= 1000:
        raise Refused("invalid_limit")
    cursor = arguments.get("cursor") or ""
    if cursor and not cursor.startswith("next:"):
        raise Refused("invalid_cursor")
    start = int(cursor[5:] or 0) if cursor else 0
    end = start + limit
    return items[start:end], f"next:{end}" if end < len(items) else ""


# Block Kit, roughly: what Slack's reference says of lengths and counts.

LENGTHS = {"header": 150, "section": 3000}


def check_content(arguments: dict):
    blocks, attachments = arguments.get("blocks") or [], arguments.get("attachments") or []
    if not (arguments.get("text") or blocks or attachments):
        raise Refused("no_text")
    if len(arguments.get("text") or "") > 40_000:
        raise Refused("msg_too_long")
    if len(attachments) > 100:
        raise Refused("too_many_attachments")
    check_blocks(blocks, 50)
    for attachment in attachments:
        check_blocks(attachment.get("blocks") or [], 50)
    metadata = arguments.get("metadata")
    if metadata and not (isinstance(metadata, dict) and isinstance(metadata.get("event_type"), str)
                         and isinstance(metadata.get("event_payload"), dict)):
        raise Refused("invalid_metadata_format")


def check_view(view):
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        raise Refused("invalid_arguments")
    for name in ("title", "submit", "close"):
        if len((view.get(name) or {}).get("text", "")) > 24:
            raise Refused("invalid_arguments")
    if len(view.get("private_metadata") or "") > 3000 or len(view.get("callback_id") or "") > 255:
        raise Refused("invalid_arguments")
    check_blocks(view.get("blocks") or [], 100)


def check_blocks(blocks: list, most: int):
    if not isinstance(blocks, list) or len(blocks) > most:
        raise Refused("invalid_blocks")
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    if len(ids) != len(set(ids)):
        raise Refused("invalid_blocks")
    for block in blocks:
        text = (block.get("text") or {}).get("text", "")
        if len(text) > LENGTHS.get(block.get("type"), 3000) or len(block.get("fields") or []) > 10:
            raise Refused("invalid_blocks")
        if block.get("type") in ("header", "section") and not text and not block.get("fields"):
            raise Refused("invalid_blocks")
        elements = block.get("elements") or []
        if block.get("type") == "actions":
            actions = [element.get("action_id") for element in elements]
            if not 1 <= len(elements) <= 25 or len(actions) != len(set(actions)):
                raise Refused("invalid_blocks")
            for element in elements:
                too_long = len((element.get("text") or {}).get("text", "")) > 75
                if too_long or len(element.get("value") or "") > 2000 or len(element.get("action_id") or "") > 255:
                    raise Refused("invalid_blocks")
        if block.get("type") == "context" and not 1 <= len(elements) <= 10:
            raise Refused("invalid_blocks")
