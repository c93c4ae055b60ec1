"""slack_sdk's SocketModeClient, on its own WebSocket and on websocket-client's: events, retries, reconnects."""

from queue import Empty, Queue

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.socket_mode.websocket_client import SocketModeClient as OtherClient

from conftest import DEADLINE, PATIENCE, closes, nothing_in, until


class App:
    """A client that puts what it gets into a queue, and acknowledges it or not."""

    def __init__(self, slack, make):
        self.slack, self.requests, self.acknowledges = slack, Queue(), True
        web = WebClient(base_url=slack.api_url)
        self.client = make(app_token=slack.app_token, web_client=web, ping_interval=0.3)
        self.client.socket_mode_request_listeners.append(self.hear)

    def connect(self):
        self.client.connect()
        self.slack.order("await_sockets", count=1)

    def hear(self, client, request):
        if self.acknowledges:
            client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        self.requests.put(request)

    def next(self):
        return self.requests.get(timeout=PATIENCE)

    def comes_back(self):
        until(lambda: len(self.slack.calls("apps.connections.open")) > 1, "a second socket")
        self.slack.order("await_sockets", count=1)

    def is_told_at_last(self, text):
        """Lets the pauses between Slack's attempts pass until the event is here."""
        for pause in (DEADLINE, 61, 301):
            try:
                return self.requests.get(timeout=1).payload["event"]["text"] == text
            except Empty:
                # A client that is between two sockets would miss the next attempt too.
                self.slack.order("await_sockets", count=1)
                self.slack.let_pass(pause)
        return self.next().payload["event"]["text"] == text


@pytest.fixture(params=[SocketModeClient, OtherClient], ids=["own", "websocket-client"])
def app(slack, request):
    app = App(slack, request.param)
    yield app
    closes(app.client)


def test_an_event_arrives_whole(slack, app):
    app.connect()
    slack.by("ana", "say", channel="C0SOC", text="hello")
    request = app.next()
    assert (request.type, request.accepts_response_payload) == ("events_api", False)
    assert (request.retry_attempt, request.retry_reason) == (0, "")
    body = request.payload
    assert (body["type"], body["api_app_id"], body["team_id"]) == ("event_callback", "A0SIM", "T0SIM")
    assert body["authorizations"][0]["is_bot"] and body["event_id"].startswith("Ev")
    event = body["event"]
    assert (event["type"], event["user"], event["text"]) == ("message", "U0ANA", "hello")
    assert (event["channel"], event["channel_type"]) == ("C0SOC", "channel")
    slack.let_pass(400)
    nothing_in(app.requests)


def test_an_event_not_acknowledged_comes_again_three_times(slack, app):
    app.acknowledges = False
    app.connect()
    slack.by("ana", "say", channel="C0SOC", text="hello")
    seen = [app.next()]
    for pause in (0, 60, 300):
        # The deadline of the acknowledgement, then Slack's pause: none, a minute, five minutes.
        slack.let_pass(DEADLINE)
        if pause:
            slack.let_pass(pause - 1)
            nothing_in(app.requests)
            slack.let_pass(1.1)
        seen.append(app.next())
    slack.let_pass(DEADLINE)
    slack.let_pass(3600)
    nothing_in(app.requests)
    assert [request.retry_attempt for request in seen] == [0, 1, 2, 3]
    assert [request.retry_reason for request in seen] == ["", "timeout", "timeout", "timeout"]
    assert len({request.payload["event_id"] for request in seen}) == 1
    assert len({request.envelope_id for request in seen}) == 4


def test_an_acknowledgement_ends_the_retries(slack, app):
    app.acknowledges = False
    app.connect()
    slack.by("ana", "say", channel="C0SOC", text="hello")
    app.next()
    app.acknowledges = True
    slack.let_pass(DEADLINE)
    assert app.next().retry_attempt == 1
    slack.let_pass(3600)
    nothing_in(app.requests)


def test_an_envelope_may_come_twice(slack, app):
    app.connect()
    slack.order("repeat_next")
    slack.by("ana", "say", channel="C0SOC", text="hello")
    first, second = app.next(), app.next()
    assert first.envelope_id == second.envelope_id and first.payload == second.payload


def test_a_click_that_is_not_acknowledged_warns_and_does_not_come_again(slack, app, client):
    app.acknowledges = False
    app.connect()
    button = {"type": "button", "action_id": "ack", "text": {"type": "plain_text", "text": "Ack"}}
    ts = client.chat_postMessage(channel="C0SOC", text="x", blocks=[{"type": "actions", "elements": [button]}])["ts"]
    app.next()  # The event of the post.
    became = slack.begins("ana", "click", channel="C0SOC", ts=ts, control="Ack")
    request = app.next()
    assert (request.type, request.accepts_response_payload) == ("interactive", True)
    slack.let_pass(DEADLINE)
    assert became.get(timeout=PATIENCE) == "not acknowledged within 3 s"
    slack.let_pass(400)
    left = [request.type for request in iter(lambda: app.requests.get_nowait() if app.requests.qsize() else None, None)]
    assert "interactive" not in left


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "too_many_websockets", "link_disabled"])
def test_a_client_that_is_sent_away_comes_back_and_loses_nothing(slack, app, reason):
    app.connect()
    slack.order("disconnect", reason=reason)
    slack.by("ana", "say", channel="C0SOC", text="meanwhile")
    app.comes_back()
    if reason == "warning":
        slack.order("disconnect", reason="refresh_requested")
    assert app.is_told_at_last("meanwhile")


def test_a_client_that_is_cut_off_comes_back_and_is_told(slack, app):
    app.connect()
    slack.order("drop")
    slack.order("await_sockets", count=0)
    slack.by("ana", "say", channel="C0SOC", text="while it was away")
    app.comes_back()
    assert app.is_told_at_last("while it was away")


def test_slack_comes_back_after_being_down(slack, app):
    app.connect()
    slack.order("down", down=True)
    slack.order("await_sockets", count=0)
    slack.order("down", down=False)
    slack.order("await_sockets", count=1)
    slack.by("ana", "say", channel="C0SOC", text="back")
    assert app.next().payload["event"]["text"] == "back"


@pytest.mark.parametrize("token, word", [("xapp-wrong", "invalid_auth"), ("xoxb-sim", "not_allowed_token_type")])
def test_a_token_that_opens_no_socket(slack, token, word):
    client = SocketModeClient(app_token=token, web_client=WebClient(base_url=slack.api_url))
    with pytest.raises(SlackApiError) as refused:
        client.connect()
    assert refused.value.response["error"] == word
    closes(client)
