"""slack_bolt: what people do reaches its listeners, and what they answer reaches the people."""

from queue import Queue

import pytest
from slack_sdk import WebhookClient
from slack_sdk.errors import SlackApiError

from conftest import PATIENCE, until

PLAIN = "plain_text"


def text(words):
    return {"type": PLAIN, "text": words}


BUTTONS = [{"type": "actions", "block_id": "what", "elements": [
    {"type": "button", "action_id": "ack", "text": text("Acknowledge"), "value": "alr_1", "style": "primary"},
    {"type": "overflow", "action_id": "more", "options": [{"text": text("Silence"), "value": "silence"}]},
    {"type": "users_select", "action_id": "who", "placeholder": text("Assign")},
]}]


def modal(title="Resolve", **more):
    note = {"type": "input", "block_id": "note", "label": text("Note"), "element": {"type": "plain_text_input", "action_id": "note"}}
    return {"type": "modal", "callback_id": "resolve", "title": text(title), "submit": text("Send"), "blocks": [note], **more}


@pytest.fixture
def message(client):
    return client.chat_postMessage(channel="C0SOC", text="alert", blocks=BUTTONS)["ts"]


def clicked(slack, bolt, message):
    """The body of a click on the message, and its `respond`."""
    got = Queue()
    bolt.action("ack")(lambda ack, body, respond: (ack(), got.put((body, respond))))
    bolt.connect()
    slack.acknowledged("ana", "click", channel="C0SOC", ts=message, control="Acknowledge")
    return got.get(timeout=PATIENCE)


def test_a_click(slack, bolt, message):
    body, _ = clicked(slack, bolt, message)
    assert (body["type"], body["user"]["id"], body["user"]["username"]) == ("block_actions", "U0ANA", "ana")
    assert (body["team"], body["enterprise"]) == ({"id": "T0SIM", "domain": "sim"}, None)
    assert body["channel"] == {"id": "C0SOC", "name": "soc"}
    assert body["container"] == {"type": "message", "message_ts": message, "channel_id": "C0SOC", "is_ephemeral": False}
    assert body["message"]["ts"] == message and body["message"]["blocks"][0]["block_id"] == "what"
    [action] = body["actions"]
    assert (action["type"], action["action_id"], action["block_id"], action["value"]) == ("button", "ack", "what", "alr_1")
    assert action["text"]["text"] == "Acknowledge" and action["action_ts"]


def test_a_choice_from_a_menu(slack, bolt, message):
    got = Queue()
    bolt.action("more")(lambda ack, action: (ack(), got.put(action["selected_option"]["value"])))
    bolt.action("who")(lambda ack, action: (ack(), got.put(action["selected_user"])))
    bolt.connect()
    slack.acknowledged("ana", "choose", channel="C0SOC", ts=message, control="more", value="Silence")
    slack.acknowledged("ana", "choose", channel="C0SOC", ts=message, control="who", value="bea")
    assert [got.get(timeout=PATIENCE) for _ in range(2)] == ["silence", "U0BEA"]


def test_a_command_is_answered_in_its_acknowledgement(slack, bolt):
    got = Queue()
    bolt.command("/vigie")(lambda ack, command: (ack(f"you said {command['text']}"), got.put(command)))
    bolt.command("/loud")(lambda ack: ack({"response_type": "in_channel", "text": "hear"}))
    bolt.connect()
    slack.acknowledged("ana", "slash", channel="C0SOC", text="/vigie list all")
    command = got.get(timeout=PATIENCE)
    assert (command["command"], command["text"], command["user_name"]) == ("/vigie", "list all", "ana")
    assert (command["channel_id"], command["channel_name"]) == ("C0SOC", "soc")
    assert command["is_enterprise_install"] == "false", "Slack sends a string here"
    assert slack.texts("ana", "C0SOC") == ["you said list all"] and slack.texts("bea", "C0SOC") == []
    slack.acknowledged("ana", "slash", channel="C0SOC", text="/loud")
    assert slack.texts("bea", "C0SOC") == ["hear"]


def opens_a_form(bolt, client, view):
    bolt.command("/vigie")(lambda ack, body: (ack(), client.views_open(trigger_id=body["trigger_id"], view=view)))


def test_a_form_is_refused_then_taken(slack, bolt, client):
    got = Queue()

    def submitted(ack, body, view):
        got.put(body)
        note = view["state"]["values"]["note"]["note"]["value"]
        ack(response_action="errors", errors={"note": "say more"}) if note == "x" else ack()

    opens_a_form(bolt, client, modal(private_metadata="alr_1"))
    bolt.view("resolve")(submitted)
    bolt.connect()
    slack.acknowledged("ana", "slash", channel="C0SOC", text="/vigie")
    until(lambda: slack.screen("ana")["view"], "the form")
    slack.acknowledged("ana", "submit", values={"Note": "x"})
    shown = slack.screen("ana")["view"]
    assert shown["errors"] == {"note": "say more"}
    assert shown["state"]["values"]["note"]["note"] == {"type": "plain_text_input", "value": "x"}, "what was typed stays"
    slack.acknowledged("ana", "submit", values={"Note": "a known tool"})
    assert slack.screen("ana")["view"] is None
    body = got.get(timeout=PATIENCE)
    assert (body["type"], body["user"]["id"], body["response_urls"]) == ("view_submission", "U0ANA", [])
    view = body["view"]
    assert (view["callback_id"], view["private_metadata"], view["root_view_id"]) == ("resolve", "alr_1", view["id"])
    assert view["hash"] and view["team_id"] == "T0SIM" and view["app_id"] == "A0SIM"


def test_a_form_is_replaced_topped_and_cleared(slack, bolt, client):
    answers = iter([
        {"response_action": "update", "view": modal("Second")},
        {"response_action": "push", "view": modal("Third")},
        {"response_action": "clear"},
    ])
    opens_a_form(bolt, client, modal("First"))
    bolt.view("resolve")(lambda ack: ack(**next(answers)))
    bolt.connect()
    slack.acknowledged("ana", "slash", channel="C0SOC", text="/vigie")
    titles = []
    for _ in range(3):
        titles.append(until(lambda: slack.screen("ana")["view"], "a form")["title"]["text"])
        slack.acknowledged("ana", "submit", values={"Note": "x"})
    assert titles == ["First", "Second", "Third"] and slack.screen("ana")["view"] is None


def test_a_form_that_is_closed_says_so(slack, bolt, client):
    got = Queue()
    opens_a_form(bolt, client, modal(notify_on_close=True))
    bolt.view_closed("resolve")(lambda ack, body: (ack(), got.put(body)))
    bolt.connect()
    slack.acknowledged("ana", "slash", channel="C0SOC", text="/vigie")
    until(lambda: slack.screen("ana")["view"], "the form")
    slack.acknowledged("ana", "close")
    assert got.get(timeout=PATIENCE)["is_cleared"] is False


def word(call, **arguments):
    with pytest.raises(SlackApiError) as refused:
        call(**arguments)
    return refused.value.response["error"]


def test_a_trigger_works_once_and_soon(slack, bolt, client, message):
    body, _ = clicked(slack, bolt, message)
    opened = client.views_open(trigger_id=body["trigger_id"], view=modal())["view"]
    assert word(client.views_open, trigger_id=body["trigger_id"], view=modal()) == "exchanged_trigger_id"
    changed = client.views_update(view_id=opened["id"], hash=opened["hash"], view=modal("Changed"))["view"]
    assert changed["hash"] != opened["hash"] and slack.screen("ana")["view"]["title"]["text"] == "Changed"
    assert word(client.views_update, view_id=opened["id"], hash=opened["hash"], view=modal()) == "hash_conflict"
    slack.acknowledged("ana", "click", channel="C0SOC", ts=message, control="Acknowledge")


def test_a_trigger_that_is_too_old(slack, bolt, client, message):
    body, _ = clicked(slack, bolt, message)
    slack.let_pass(4)
    assert word(client.views_open, trigger_id=body["trigger_id"], view=modal()) == "expired_trigger_id"


def test_at_most_three_views_are_stacked(slack, bolt, client):
    got = Queue()
    bolt.command("/vigie")(lambda ack, body: (ack(), got.put(body["trigger_id"])))
    bolt.connect()

    def trigger():
        slack.acknowledged("ana", "slash", channel="C0SOC", text="/vigie")
        return got.get(timeout=PATIENCE)

    client.views_open(trigger_id=trigger(), view=modal("1", external_id="one"))
    assert word(client.views_push, trigger_id=trigger(), view=modal(external_id="one")) == "duplicate_external_id"
    second = client.views_push(trigger_id=trigger(), view=modal("2"))["view"]
    third = client.views_push(trigger_id=trigger(), view=modal("3"))["view"]
    assert third["previous_view_id"] == second["id"] and third["root_view_id"] == second["root_view_id"]
    assert word(client.views_push, trigger_id=trigger(), view=modal("4")) == "push_limit_reached"


def test_shortcuts(slack, bolt, message):
    got = Queue()
    bolt.global_shortcut("declare")(lambda ack, shortcut: (ack(), got.put(shortcut)))
    bolt.message_shortcut("note")(lambda ack, shortcut: (ack(), got.put(shortcut)))
    bolt.connect()
    slack.acknowledged("ana", "shortcut", control="declare")
    slack.acknowledged("ana", "message_shortcut", channel="C0SOC", ts=message, control="note")
    first, second = got.get(timeout=PATIENCE), got.get(timeout=PATIENCE)
    assert (first["type"], first["callback_id"]) == ("shortcut", "declare") and first["trigger_id"]
    assert (second["type"], second["message"]["ts"], second["message_ts"]) == ("message_action", message, message)
    assert second["response_url"] and second["channel"]["id"] == "C0SOC"


def test_events(slack, bolt, client):
    got = Queue()
    bolt.message("hello")(lambda message, say: (got.put(message["user"]), say("hello yourself")))
    bolt.event("reaction_added")(lambda event: got.put(event["item"]["ts"]))
    bolt.event("app_home_opened")(lambda event: client.views_publish(user_id=event["user"], view={"type": "home", "blocks": BUTTONS}))
    bolt.connect()
    slack.by("ana", "say", channel="C0SOC", text="hello")
    assert got.get(timeout=PATIENCE) == "U0ANA"
    until(lambda: "hello yourself" in slack.texts("bea", "C0SOC"), "the answer")
    ts = slack.seen("ana", "C0SOC")[0]["ts"]
    slack.acknowledged("ana", "react", channel="C0SOC", ts=ts, control="eyes")
    assert got.get(timeout=PATIENCE) == ts
    slack.acknowledged("ana", "home")
    home = until(lambda: slack.screen("ana")["home"], "her Home")
    assert home["type"] == "home" and home["blocks"][0]["block_id"] == "what"


def test_a_click_in_the_home(slack, bolt, client):
    got = Queue()
    client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": BUTTONS})
    bolt.action("ack")(lambda ack, body: (ack(), got.put(body)))
    bolt.connect()
    slack.acknowledged("ana", "click", at="home", control="Acknowledge")
    body = got.get(timeout=PATIENCE)
    assert body["container"] == {"type": "view", "view_id": body["view"]["id"]} and "response_url" not in body


def test_an_answer_to_one_and_to_all(slack, bolt, message):
    _, respond = clicked(slack, bolt, message)
    assert respond("only you").status_code == 200
    assert respond(text="all of you", response_type="in_channel").body == "ok"
    assert slack.texts("ana", "C0SOC") == ["alert", "only you", "all of you"]
    assert slack.texts("bea", "C0SOC") == ["alert", "all of you"]


def test_what_was_clicked_is_replaced_and_deleted(slack, bolt, message):
    _, respond = clicked(slack, bolt, message)
    respond(text="done", blocks=[], replace_original=True)
    [shown] = slack.seen("bea", "C0SOC")
    assert (shown["ts"], shown["text"], "blocks" in shown) == (message, "done", False)
    respond(delete_original=True)
    assert slack.seen("bea", "C0SOC") == []


def test_a_response_url_works_five_times_within_half_an_hour(slack, bolt, message):
    body, _ = clicked(slack, bolt, message)
    hook = WebhookClient(body["response_url"])
    answers = [hook.send(text=str(number)) for number in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert answers[5].body.endswith('"used_url"}') and slack.texts("ana", "C0SOC")[1:] == list("01234")
    slack.acknowledged("ana", "click", channel="C0SOC", ts=message, control="Acknowledge")


def test_a_response_url_that_is_too_old(slack, bolt, message):
    body, _ = clicked(slack, bolt, message)
    slack.let_pass(31 * 60)
    assert WebhookClient(body["response_url"]).send(text="late").status_code == 404
    assert slack.texts("ana", "C0SOC") == ["alert"]


def test_what_is_said_in_a_thread_by_a_response_url(slack, bolt, message):
    _, respond = clicked(slack, bolt, message)
    respond(text="under it", response_type="in_channel", thread_ts=message)
    assert slack.seen("bea", "C0SOC")[-1]["thread_ts"] == message
