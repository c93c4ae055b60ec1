"""A look-alike of Slack over the wire: Web API, Socket Mode, response URLs. Written from Slack's public documentation alone."""

import asyncio
import json
import time

from aiohttp import WSMsgType, web

from faults import Bucket, Faults, Windows
from workspace import APP, APP_TOKEN, BOT_ID, BOT_TOKEN, BOT_USER, TEAM, Refused, Workspace, is_true, paged

# Everything must be acknowledged within three seconds.
DEADLINE = 3.0
PINGS = 5.0


class Slack:
    def __init__(self, workspace: Workspace, faults: Faults, bucket: Bucket | None = None, slow: float = 0.0):
        self.workspace, self.faults, self.bucket, self.slow = workspace, faults, bucket, slow
        self.windows = Windows()
        self.calls: dict[str, int] = {}
        self.refusals: dict[str, int] = {}
        self.posted: list[tuple[float, str]] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.tickets: dict[str, float] = {}
        self.waiting: dict[str, asyncio.Future] = {}
        self.turn = 0
        self.base = ""

    # The server.

    async def start(self):
        app = web.Application(client_max_size=4 << 20)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_get("/link", self._link)
        app.router.add_post("/actions/{team}/{key}", self._respond)
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        port = self.runner.addresses[0][1]
        self.base = f"http://127.0.0.1:{port}"
        return self

    async def stop(self):
        for socket in list(self.sockets):
            await socket.close()
        await self.runner.cleanup()

    # The Web API.

    async def _api(self, request: web.Request):
        method = request.match_info["method"]
        arguments = dict(request.query)
        if request.can_read_body:
            if "json" in request.content_type:
                # Methods that only read take no JSON: Slack overlooks such a body.
                body = await request.json()
                arguments |= body if method not in READING else {}
            else:
                form = dict(await request.post())
                arguments |= {k: parsed(k, v) for k, v in form.items()}
        self.calls[method] = self.calls.get(method, 0) + 1
        channel = self._channel_of(arguments) if method == "chat.postMessage" else None
        early = self.windows.look(method, channel)
        if self.slow:
            await asyncio.sleep(self.slow)
        failure = self.faults.failure()
        wait = self.bucket.take(channel or "") if self.bucket and method == "chat.postMessage" else 0
        if failure == "429" or early or wait:
            return self._limit(method, channel, wait or self.faults.chance.choice([1, 1, 2]))
        if failure == "drop":
            request.transport.abort()
            return web.Response()
        if failure in ("500", "503"):
            return web.Response(status=int(failure), text="<html>Slack is having trouble</html>", content_type="text/html")
        if failure:
            return web.json_response({"ok": False, "error": failure})
        answer = self._answer(method, arguments, token_of(request, arguments))
        if self.faults.is_lost():
            if self.faults.chance.random() < 0.5:
                request.transport.abort()
            return web.Response(status=500, text="")
        return web.json_response(answer)

    def _channel_of(self, arguments: dict) -> str | None:
        try:
            return self.workspace.channel(arguments.get("channel"))
        except Refused:
            return None

    def _limit(self, method: str, channel: str | None, seconds: int):
        self.windows.say(method, channel, seconds)
        answer = {"ok": False, "error": "ratelimited"}
        return web.json_response(answer, status=429, headers={"Retry-After": str(seconds)})

    def _answer(self, method: str, arguments: dict, token: str | None) -> dict:
        try:
            check_token(method, token)
            act = METHODS.get(method)
            if act is None:
                raise Refused("unknown_method")
            return {"ok": True} | act(self, arguments)
        except Refused as refused:
            key = f"{method} {refused.word}"
            self.refusals[key] = self.refusals.get(key, 0) + 1
            return {"ok": False, "error": refused.word} | refused.more

    async def _respond(self, request: web.Request):
        if self.faults.failure():
            return web.Response(status=500)
        try:
            self.workspace.respond(request.match_info["key"], await request.json())
        except Refused as refused:
            return web.Response(status=404, text=refused.word)
        if self.faults.is_lost():
            request.transport.abort()
        return web.Response(text="ok")

    # Socket Mode.

    def _open(self, _arguments: dict) -> dict:
        if len(self.sockets) >= 10:
            raise Refused("too_many_websockets")
        ticket = self.workspace.ts()
        self.tickets[ticket] = time.monotonic() + 30
        return {"url": f"{self.base.replace('http', 'ws', 1)}/link?ticket={ticket}&app_id={APP}"}

    async def _link(self, request: web.Request):
        until = self.tickets.pop(request.query.get("ticket", ""), 0)
        if time.monotonic() > until:
            return web.Response(status=403)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        pinging = asyncio.create_task(self._ping(socket))
        try:
            await socket.send_json({"type": "hello", "num_connections": len(self.sockets), "connection_info": {"app_id": APP},
                                    "debug_info": {"host": "look-alike", "started": time.strftime("%F %T"),
                                                   "build_number": 1, "approximate_connection_time": 18060}})
            async for frame in socket:
                if frame.type == WSMsgType.TEXT:
                    self._acknowledged(json.loads(frame.data))
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            pinging.cancel()
            self.sockets.remove(socket)
        return socket

    async def _ping(self, socket: web.WebSocketResponse):
        while True:
            await asyncio.sleep(PINGS)
            try:
                await socket.ping()
            except ConnectionError:
                return

    def _acknowledged(self, frame: dict):
        waiting = self.waiting.get(frame.get("envelope_id"))
        if waiting is not None and not waiting.done():
            waiting.set_result(frame.get("payload") or {})

    async def deliver(self, kind: str, payload: dict) -> dict | None:
        """Hands an envelope to one of the sockets; the acknowledgement's payload, or None where there was none in time."""
        envelope = {"envelope_id": f"{self.workspace.ts()}-{kind}", "type": kind, "accepts_response_payload": kind != "events_api",
                    "payload": payload}
        if kind == "events_api":
            envelope |= {"retry_attempt": 0, "retry_reason": ""}
        waiting = asyncio.get_running_loop().create_future()
        self.waiting[envelope["envelope_id"]] = waiting
        try:
            if not await self._send(envelope):
                return None
            if self.faults.is_repeated():
                asyncio.create_task(self._later(envelope))
            return await asyncio.wait_for(waiting, DEADLINE)
        except asyncio.TimeoutError:
            return None
        finally:
            del self.waiting[envelope["envelope_id"]]

    async def _later(self, envelope: dict):
        await asyncio.sleep(self.faults.chance.choice([0, 0.02, 0.5, 2.0]))
        await self._send(envelope)

    async def _send(self, envelope: dict) -> bool:
        if not self.sockets:
            return False
        self.turn += 1
        try:
            await self.sockets[self.turn % len(self.sockets)].send_json(envelope)
            return True
        except (ConnectionError, RuntimeError):
            return False

    # Methods that need more than the workspace.

    def _post(self, arguments: dict) -> dict:
        answer = self.workspace.post(arguments)
        self.posted.append((time.monotonic(), answer["channel"]))
        return answer

    def _post_ephemeral(self, arguments: dict) -> dict:
        channel = self.workspace.channel(arguments.get("channel"))
        if arguments.get("user") not in self.workspace.users:
            raise Refused("user_not_in_channel")
        self.workspace.ephemerals.append(arguments | {"channel": channel})
        return {"message_ts": self.workspace.ts()}


READING = {"conversations.history", "conversations.replies", "conversations.list", "conversations.info", "conversations.members",
           "users.list", "users.info", "users.lookupByEmail", "usergroups.list", "usergroups.users.list", "dnd.info",
           "dnd.teamInfo", "team.info", "bots.info", "chat.getPermalink"}


def parsed(name: str, value):
    """A form's fields are text; these hold JSON."""
    if name in ("blocks", "attachments", "metadata", "view") and isinstance(value, str):
        return json.loads(value)
    return value


def token_of(request: web.Request, arguments: dict) -> str | None:
    header = request.headers.get("Authorization", "")
    return header.removeprefix("Bearer ") if header.startswith("Bearer ") else arguments.pop("token", None)


def check_token(method: str, token: str | None):
    if not token:
        raise Refused("not_authed")
    if token not in (BOT_TOKEN, APP_TOKEN):
        raise Refused("invalid_auth")
    if (method == "apps.connections.open") != (token == APP_TOKEN):
        raise Refused("not_allowed_token_type")


def user_of(slack: Slack, id: str | None) -> dict:
    if id not in slack.workspace.users:
        raise Refused("user_not_found")
    return slack.workspace.users[id]


def by_email(slack: Slack, arguments: dict) -> dict:
    for user in slack.workspace.users.values():
        if user["profile"]["email"] == arguments.get("email"):
            return {"user": user}
    raise Refused("users_not_found")


def listed(name: str, items: list, arguments: dict) -> dict:
    page, cursor = paged(items, arguments)
    return {name: page, "response_metadata": {"next_cursor": cursor}}


def channels(slack: Slack, arguments: dict) -> dict:
    wanted = (arguments.get("types") or "public_channel").split(",")
    if not set(wanted) <= {"public_channel", "private_channel", "im", "mpim"}:
        raise Refused("invalid_types")
    kind = lambda c: "im" if c["is_im"] else "private_channel" if c["is_private"] else "public_channel"
    found = [c for c in slack.workspace.channels.values() if kind(c) in wanted]
    return listed("channels", [c for c in found if not (c["is_archived"] and is_true(arguments.get("exclude_archived")))], arguments)


def channel(slack: Slack, arguments: dict) -> dict:
    if arguments.get("channel") not in slack.workspace.channels:
        raise Refused("channel_not_found")
    return slack.workspace.channels[arguments["channel"]]


def usergroups(slack: Slack, arguments: dict) -> dict:
    groups = []
    for id, (handle, members) in slack.workspace.groups.items():
        group = {"id": id, "team_id": TEAM, "handle": handle, "name": handle, "date_delete": 0, "user_count": len(members)}
        groups.append(group | ({"users": members} if is_true(arguments.get("include_users")) else {}))
    return {"usergroups": groups}


def group_members(slack: Slack, arguments: dict) -> dict:
    if arguments.get("usergroup") not in slack.workspace.groups:
        raise Refused("no_such_subteam")
    return {"users": slack.workspace.groups[arguments["usergroup"]][1]}


AWAKE = {"dnd_enabled": False, "next_dnd_start_ts": 1, "next_dnd_end_ts": 1}

METHODS = {
    "auth.test": lambda s, a: {"url": s.base + "/", "team": "Look-alike", "user": "vigie", "team_id": TEAM, "user_id": BOT_USER,
                               "bot_id": BOT_ID, "is_enterprise_install": False},
    "apps.connections.open": Slack._open,
    "bots.info": lambda s, a: {"bot": {"id": BOT_ID, "deleted": False, "name": "vigie", "app_id": APP, "user_id": BOT_USER}},
    "chat.getPermalink": lambda s, a: {"channel": channel(s, a)["id"],
                                       "permalink": f"{s.base}/archives/{a['channel']}/p{a.get('message_ts', '').replace('.', '')}"},
    "chat.postEphemeral": Slack._post_ephemeral,
    "chat.postMessage": Slack._post,
    "chat.update": lambda s, a: s.workspace.update(a),
    "conversations.history": lambda s, a: s.workspace.history(a),
    "conversations.info": lambda s, a: {"channel": channel(s, a)},
    "conversations.list": channels,
    "conversations.members": lambda s, a: listed("members", channel(s, a) and list(s.workspace.users), a),
    "conversations.open": lambda s, a: {"channel": {"id": s.workspace.direct((a.get("users") or "").split(",")[0])}},
    "conversations.replies": lambda s, a: s.workspace.history(a, a.get("ts") or ""),
    "dnd.info": lambda s, a: user_of(s, a.get("user")) and AWAKE | {"snooze_enabled": False},
    "dnd.teamInfo": lambda s, a: {"users": {id: AWAKE for id in (a.get("users") or "").split(",") if id in s.workspace.users}},
    "team.info": lambda s, a: {"team": {"id": TEAM, "name": "Look-alike", "domain": "look-alike", "email_domain": ""}},
    "usergroups.list": usergroups,
    "usergroups.users.list": group_members,
    "users.info": lambda s, a: {"user": user_of(s, a.get("user"))},
    "users.list": lambda s, a: listed("members", list(s.workspace.users.values()), a),
    "users.lookupByEmail": by_email,
    "views.open": lambda s, a: s.workspace.open_view(a),
}
