"""slack_sdk's WebClient: posting, reading back, people and channels."""

import pytest
from slack_sdk.models.blocks import ActionsBlock, ButtonElement, SectionBlock
from slack_sdk.models.metadata import Metadata


def post(client, text="hello", **more):
    return client.chat_postMessage(channel="C0SOC", text=text, **more)


def texts(page):
    return [message["text"] for message in page["messages"]]


def test_who_the_token_is(client):
    me = client.auth_test()
    assert (me["team_id"], me["user_id"], me["bot_id"]) == ("T0SIM", "U0BOT", "B0BOT")
    assert "chat:write" in me.headers["x-oauth-scopes"]


def test_a_message_comes_back_with_its_blocks_and_its_metadata(client):
    blocks = [
        SectionBlock(text="*web-1* runs malware", block_id="what"),
        ActionsBlock(elements=[ButtonElement(text="Ack", action_id="ack", value="alr_1", style="primary")]),
    ]
    metadata = Metadata(event_type="alert", event_payload={"id": "alr_1"})
    posted = post(client, blocks=blocks, metadata=metadata)
    assert posted["channel"] == "C0SOC" and posted["message"]["bot_id"] == "B0BOT"
    [bare] = client.conversations_history(channel="C0SOC")["messages"]
    assert "metadata" not in bare
    [whole] = client.conversations_history(channel="C0SOC", include_all_metadata=True)["messages"]
    assert whole["metadata"] == {"event_type": "alert", "event_payload": {"id": "alr_1"}}
    assert whole["ts"] == posted["ts"] and whole["blocks"][0]["block_id"] == "what"
    assert whole["blocks"][1]["elements"][0]["value"] == "alr_1"
    assert whole["blocks"][1]["block_id"], "Slack names a block that has no name"


@pytest.mark.parametrize("how", ["json", "params"])
def test_a_json_body_and_a_form_say_the_same(client, how):
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "hi"}}]
    if how == "params":
        blocks = '[{"type": "section", "text": {"type": "mrkdwn", "text": "hi"}}]'
    client.api_call("chat.postMessage", **{how: {"channel": "C0SOC", "text": "hi", "blocks": blocks}})
    [message] = client.conversations_history(channel="C0SOC")["messages"]
    assert message["blocks"][0]["text"]["text"] == "hi"


def test_history_is_newest_first_and_comes_in_pages(client):
    for number in range(5):
        post(client, str(number))
    pages = [(texts(page), page["has_more"]) for page in client.conversations_history(channel="C0SOC", limit=2)]
    assert pages == [(["4", "3"], True), (["2", "1"], True), (["0"], False)]


def test_history_between_two_moments(client):
    stamps = [post(client, str(number))["ts"] for number in range(5)]
    between = {"channel": "C0SOC", "oldest": stamps[1], "latest": stamps[3]}
    assert texts(client.conversations_history(**between)) == ["2"]
    assert texts(client.conversations_history(**between, inclusive=True)) == ["3", "2", "1"]
    one = {"channel": "C0SOC", "latest": stamps[2], "inclusive": True, "limit": 1}
    assert texts(client.conversations_history(**one)) == ["2"]


def test_replies_are_in_the_thread_and_not_in_history(client):
    parent = post(client, "parent")["ts"]
    for number in range(3):
        post(client, f"reply {number}", thread_ts=parent)
    post(client, "loud", thread_ts=parent, reply_broadcast=True)
    assert texts(client.conversations_history(channel="C0SOC")) == ["loud", "parent"]
    thread = client.conversations_replies(channel="C0SOC", ts=parent)
    assert texts(thread) == ["parent", "reply 0", "reply 1", "reply 2", "loud"]
    assert thread["messages"][0]["reply_count"] == 4 and thread["messages"][1]["thread_ts"] == parent
    pages = [texts(page) for page in client.conversations_replies(channel="C0SOC", ts=parent, limit=2)]
    assert pages == [["parent", "reply 0"], ["reply 1", "reply 2"], ["loud"]]


def test_an_update_keeps_what_it_leaves_out(slack, client):
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "old"}}]
    ts = post(client, blocks=blocks)["ts"]
    client.chat_update(channel="C0SOC", ts=ts, text="words only")
    [message] = slack.seen("ana", "C0SOC")
    assert message["text"] == "words only" and message["blocks"][0]["text"]["text"] == "old"
    assert message["edited"]["user"] == "U0BOT"
    client.chat_update(channel="C0SOC", ts=ts, text="bare", blocks=[])
    assert "blocks" not in slack.seen("ana", "C0SOC")[0]
    link = client.chat_getPermalink(channel="C0SOC", message_ts=ts)["permalink"]
    assert link.endswith("/archives/C0SOC/p" + ts.replace(".", ""))
    client.chat_delete(channel="C0SOC", ts=ts)
    assert slack.seen("ana", "C0SOC") == []


def test_only_one_person_sees_an_ephemeral(slack, client):
    client.chat_postEphemeral(channel="C0SOC", user="U0ANA", text="for you")
    assert slack.texts("ana", "C0SOC") == ["for you"] and slack.texts("bea", "C0SOC") == []
    assert client.conversations_history(channel="C0SOC")["messages"] == []


def test_a_direct_message_is_opened_once(slack, client):
    first = client.conversations_open(users=["U0ANA"])["channel"]["id"]
    again = client.conversations_open(users="U0ANA", return_im=True)
    assert again["already_open"] and again["channel"]["id"] == first and again["channel"]["user"] == "U0ANA"
    assert client.chat_postMessage(channel="U0ANA", text="psst")["channel"] == first
    assert slack.texts("ana", first) == ["psst"]


def test_people_groups_channels_and_nights(client):
    people = [user for page in client.users_list(limit=2) for user in page["members"]]
    assert {"U0ANA", "U0BEA", "U0LEA", "U0GONE", "U0BOT"} == {user["id"] for user in people}
    assert [user["id"] for user in people if user["deleted"]] == ["U0GONE"]
    assert client.users_lookupByEmail(email="ana@example.com")["user"]["profile"]["email"] == "ana@example.com"
    assert client.users_info(user="U0ANA")["user"]["tz"] == "Europe/Paris"
    [group] = client.usergroups_list(include_users=True)["usergroups"]
    assert (group["handle"], group["users"]) == ("blue-team", ["U0BEA"])
    assert client.usergroups_users_list(usergroup="S0BLUE")["users"] == ["U0BEA"]
    open_ones = [c["name"] for page in client.conversations_list(exclude_archived=True, limit=2) for c in page["channels"]]
    assert open_ones == ["out", "sec", "soc"]
    assert client.conversations_info(channel="C0SOC")["channel"]["is_member"]
    assert "U0ANA" in client.conversations_members(channel="C0SOC")["members"]
    assert client.dnd_info(user="U0BEA")["dnd_enabled"]
    assert client.dnd_teamInfo(users=["U0BEA"])["users"]["U0BEA"]["next_dnd_start_ts"] == 1732554000
