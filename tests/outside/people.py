"""What people do in the look-alike: press a button, choose, fill in a form, type a command. Each says whether Slack heard."""

import asyncio
import secrets

from slack import Slack
from workspace import APP, TEAM


class Person:
    def __init__(self, slack: Slack, id: str):
        self.slack, self.id = slack, id
        self.name = slack.workspace.users[id]["name"]

    def _around(self, kind: str) -> dict:
        return {"type": kind, "user": {"id": self.id, "username": self.name, "name": self.name, "team_id": TEAM},
                "team": {"id": TEAM, "domain": "look-alike"}, "enterprise": None, "is_enterprise_install": False,
                "api_app_id": APP, "token": "verification", "trigger_id": self.slack.workspace.trigger(self.id)}

    async def press(self, channel: str, message: dict, element: dict, block: str) -> tuple[str, dict | None]:
        """Presses a button, or makes a choice of an overflow; the trigger, and the acknowledgement."""
        now = self.slack.workspace.ts()
        action = {"type": element["type"], "action_id": element["action_id"], "block_id": block, "action_ts": now}
        if element["type"] == "overflow":
            action["selected_option"] = secrets.choice(element["options"])
        else:
            action |= {"text": element["text"], "value": element.get("value", "")}
        payload = self._around("block_actions") | {
            "container": {"type": "message", "message_ts": message["ts"], "channel_id": channel, "is_ephemeral": False},
            "channel": {"id": channel, "name": self.slack.workspace.channels[channel]["name"] or "directmessage"},
            "message": message, "state": {"values": {}}, "actions": [action],
            "response_url": self.slack.workspace.response_url(self.id, channel, self.slack.base)}
        return payload["trigger_id"], await self.slack.deliver("interactive", payload)

    async def form(self, patience: float = 2.5) -> dict | None:
        """The form that has opened, if one does."""
        for _ in range(int(patience / 0.05)):
            for id, view in list(self.slack.workspace.views.items()):
                if view["of"] == self.id:
                    return self.slack.workspace.views.pop(id)
            await asyncio.sleep(0.05)
        return None

    async def submit(self, view: dict, chance) -> tuple[str, dict | None]:
        values = {block["block_id"]: {block["element"]["action_id"]: self._filled(block["element"], chance)}
                  for block in view["blocks"] if block["type"] == "input"}
        shown = {key: value for key, value in view.items() if key != "of"} | {"state": {"values": values}}
        payload = self._around("view_submission") | {"view": shown, "response_urls": []}
        return payload["trigger_id"], await self.slack.deliver("interactive", payload)

    def _filled(self, element: dict, chance) -> dict:
        match element["type"]:
            case "static_select" | "radio_buttons":
                return {"type": element["type"], "selected_option": chance.choice(element["options"])}
            case "users_select":
                people = [id for id, user in self.slack.workspace.users.items() if not user["is_bot"]]
                return {"type": element["type"], "selected_user": chance.choice(people)}
            case _:
                return {"type": element["type"], "value": f"seen by {self.name} <&> {chance.randrange(10**6)}"}

    async def command(self, text: str, channel: str) -> tuple[str, dict | None]:
        payload = {"token": "verification", "team_id": TEAM, "team_domain": "look-alike", "channel_id": channel,
                   "channel_name": self.slack.workspace.channels[channel]["name"], "user_id": self.id, "user_name": self.name,
                   "command": "/vigie", "text": text, "api_app_id": APP, "is_enterprise_install": "false",
                   "response_url": self.slack.workspace.response_url(self.id, channel, self.slack.base),
                   "trigger_id": self.slack.workspace.trigger(self.id)}
        return payload["trigger_id"], await self.slack.deliver("slash_commands", payload)


def controls(message: dict) -> list[tuple[dict, str]]:
    """The buttons and menus of a message, each with its block's id."""
    found = []
    for block in message.get("blocks", []):
        for element in block.get("elements", []) if block["type"] == "actions" else []:
            if element["type"] in ("button", "overflow") and "url" not in element:
                found.append((element, block.get("block_id", "b")))
    return found
