"""slack_sdk's WebClient: Slack's error words, rate limits, answers that are lost."""

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
BUTTON = {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "x" * 76}}
STAMP = "1732500000.000100"

# (what is called, with what, Slack's word)
WORDS = [
    ("chat.postMessage", {"channel": "C0NONE", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "C0BOARD", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "C0OUT", "text": "x"}, "not_in_channel"),
    ("chat.postMessage", {"channel": "C0OLD", "text": "x"}, "is_archived"),
    ("chat.postMessage", {"channel": "C0SOC"}, "no_text"),
    ("chat.postMessage", {"channel": "C0SOC", "text": "x" * 40_001}, "msg_too_long"),
    ("chat.postMessage", {"channel": "C0SOC", "blocks": [{"type": "odd"}]}, "invalid_blocks"),
    ("chat.postMessage", {"channel": "C0SOC", "blocks": [SECTION] * 51}, "invalid_blocks"),
    ("chat.postMessage", {"channel": "C0SOC", "blocks": [{"type": "actions", "elements": [BUTTON]}]}, "invalid_blocks"),
    ("chat.postMessage", {"channel": "C0SOC", "text": "x", "metadata": {"event_type": "a"}}, "invalid_metadata_format"),
    ("chat.update", {"channel": "C0SOC", "ts": STAMP, "text": "x"}, "message_not_found"),
    ("chat.delete", {"channel": "C0SOC", "ts": STAMP}, "message_not_found"),
    ("chat.postEphemeral", {"channel": "C0SOC", "user": "U0LEA", "text": "x"}, "user_not_in_channel"),
    ("conversations.history", {"channel": "C0NONE"}, "channel_not_found"),
    ("conversations.history", {"channel": "C0OUT"}, "not_in_channel"),
    ("conversations.history", {"channel": "C0SOC", "cursor": "odd"}, "invalid_cursor"),
    ("conversations.replies", {"channel": "C0SOC", "ts": STAMP}, "thread_not_found"),
    ("conversations.open", {"users": "U0NONE"}, "user_not_found"),
    ("users.info", {"user": "U0NONE"}, "user_not_found"),
    ("users.lookupByEmail", {"email": "nobody@example.com"}, "users_not_found"),
    ("team.info", {}, "missing_scope"),
    ("views.open", {"trigger_id": "1.2.3", "view": {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": []}}, "invalid_trigger_id"),
    ("views.open", {"trigger_id": "1.2.3", "view": {"type": "modal"}}, "invalid_arguments"),
    ("views.update", {"view_id": "V0NONE", "view": {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": []}}, "not_found"),
    ("apps.connections.open", {}, "not_allowed_token_type"),
    ("chat.nothing", {}, "unknown_method"),
]


def word(call):
    with pytest.raises(SlackApiError) as refused:
        call()
    assert refused.value.response["ok"] is False
    return refused.value.response["error"]


@pytest.mark.parametrize("method, body, expected", WORDS, ids=[f"{m}-{w}-{n}" for n, (m, _, w) in enumerate(WORDS)])
def test_a_call_is_refused_in_slacks_words(client, method, body, expected):
    # `apps.connections.open` and the `conversations.*` reads come as forms, as from slack_sdk's own methods.
    form = method.startswith(("apps.", "conversations.", "users."))
    assert word(lambda: client.api_call(method, **{"params" if form else "json": body})) == expected


def test_a_missing_scope_is_named(client):
    with pytest.raises(SlackApiError) as refused:
        client.team_info()
    assert refused.value.response["needed"] == "team:read"
    assert "chat:write" in refused.value.response["provided"]


def test_what_is_wrong_with_a_block_is_said(client):
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel="C0SOC", text="x", blocks=[{"type": "actions", "elements": [BUTTON]}])
    [message] = refused.value.response["response_metadata"]["messages"]
    assert "[json-pointer:/blocks/0/elements/0/text/text]" in message, message


@pytest.mark.parametrize("token, expected", [("xoxb-wrong", "invalid_auth"), (None, "not_authed"), ("xapp-sim", "not_allowed_token_type")])
def test_a_token_that_is_wrong(slack, token, expected):
    client = WebClient(token, base_url=slack.api_url)
    assert word(lambda: client.chat_postMessage(channel="C0SOC", text="x")) == expected


def test_what_others_wrote_is_not_ours_to_change(slack, client):
    slack.by("ana", "say", channel="C0SOC", text="mine")
    ts = slack.seen("ana", "C0SOC")[0]["ts"]
    assert word(lambda: client.chat_update(channel="C0SOC", ts=ts, text="x")) == "cant_update_message"
    assert word(lambda: client.chat_delete(channel="C0SOC", ts=ts)) == "cant_delete_message"


def test_a_rate_limit_says_for_how_long(slack, client):
    slack.order("fail_next", method="chat.postMessage", fault={"rate_limited": 7})
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel="C0SOC", text="x")
    response = refused.value.response
    assert (response.status_code, response["error"], response.headers["Retry-After"]) == (429, "ratelimited", "7")


def test_the_clients_own_handler_waits_and_posts_once(slack, client):
    client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=1))
    slack.order("fail_next", method="chat.postMessage", fault={"rate_limited": 1})
    client.chat_postMessage(channel="C0SOC", text="x")
    assert [call["status"] for call in slack.calls("chat.postMessage")] == [429, 200]
    assert slack.texts("ana", "C0SOC") == ["x"]


def test_an_answer_that_is_lost_was_done_all_the_same(slack, client):
    slack.order("fail_next", method="chat.postMessage", fault="lose_response")
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel="C0SOC", text="x")
    assert refused.value.response.status_code == 500
    assert slack.texts("ana", "C0SOC") == ["x"]


def test_a_connection_that_is_dropped_makes_the_client_post_twice(slack, client):
    slack.order("fail_next", method="chat.postMessage", fault="drop_connection")
    client.chat_postMessage(channel="C0SOC", text="x")
    assert slack.texts("ana", "C0SOC") == ["x", "x"], "slack_sdk sends again what it does not know was done"
