"""CrowdStrike's own client, FalconPy, against the stand-in for Falcon."""

import time

import pytest
from falconpy import IOC, Alerts, Hosts, OAuth2, Quarantine, RealTimeResponse

LAPTOP = "1f9a3c5e7b2d4f6081a3c5e7092b4d6f"


@pytest.fixture
def login(standins):
    edr = standins.here["edr"]
    return {"client_id": edr["client_id"], "client_secret": edr["client_secret"], "base_url": edr["url"]}


def test_a_token_is_given_and_taken_back(login):
    client = OAuth2(**login)
    given = client.token()
    assert given["status_code"] == 201 and given["body"]["expires_in"] == 1799
    assert client.revoke(given["body"]["access_token"])["status_code"] == 200


def test_who_has_the_wrong_secret_is_told_so(login):
    refused = OAuth2(**{**login, "client_secret": "wrong"}).token()
    assert refused["status_code"] == 403 and refused["body"]["errors"][0]["code"] == 403


def test_a_host_is_found_contained_and_let_go(standins, login):
    hosts = Hosts(**login)
    found = hosts.query_devices_by_filter(filter="hostname:'fin-laptop-12'")
    assert (found["status_code"], found["body"]["resources"]) == (200, [LAPTOP])
    details = hosts.get_device_details(ids=LAPTOP)["body"]["resources"][0]
    assert (details["hostname"], details["status"]) == ("fin-laptop-12", "normal")
    assert hosts.perform_action(action_name="contain", ids=LAPTOP)["status_code"] == 202
    assert hosts.get_device_details(ids=LAPTOP)["body"]["resources"][0]["status"] == "containment_pending"
    time.sleep(0.3)
    assert hosts.get_device_details(ids=LAPTOP)["body"]["resources"][0]["status"] == "contained"
    assert hosts.perform_action(action_name="contain", ids=LAPTOP)["status_code"] == 409
    assert hosts.perform_action(action_name="lift_containment", ids=LAPTOP)["status_code"] == 202
    assert standins.effects("edr") == ["contain fin-laptop-12", "lift containment of fin-laptop-12"]


def test_what_is_wrong_is_an_error_of_falcons(standins, login):
    hosts = Hosts(**login)
    assert hosts.query_devices_by_filter(filter="nothing:'x'")["status_code"] == 400
    assert hosts.get_device_details(ids="0" * 32)["status_code"] == 404
    standins.fails("edr", {"limited": 2})
    limited = hosts.query_devices_by_filter(filter="hostname:'x'")
    assert (limited["status_code"], limited["headers"]["retry-after"]) == (429, "2")


def test_an_alert_is_read_and_closed(login):
    alerts = Alerts(**login)
    ids = alerts.query_alerts_v2(filter="status:'new'")["body"]["resources"]
    assert len(ids) == 1
    changed = alerts.update_alerts_v3(composite_ids=ids, update_status="closed", append_comment="isolated")
    assert changed["status_code"] == 200
    alert = alerts.get_alerts_v2(composite_ids=ids)["body"]["resources"][0]
    assert (alert["status"], alert["comments"][0]["value"]) == ("closed", "isolated")


def test_an_indicator_is_added_once_and_deleted(login):
    iocs = IOC(**login)
    one = dict(type="domain", value="evil.example", action="detect", severity="high", platforms=["windows"], applied_globally=True)
    made = iocs.indicator_create(**one)
    assert made["status_code"] == 201
    assert iocs.indicator_create(**one)["status_code"] == 400
    found = iocs.indicator_search(filter="value:'evil.example'")["body"]["resources"]
    assert found == [made["body"]["resources"][0]["id"]]
    assert iocs.indicator_delete(ids=found)["status_code"] == 200
    assert iocs.indicator_search()["body"]["resources"] == []


def test_a_host_answers_a_command(login):
    rtr = RealTimeResponse(**login)
    session = rtr.init_session(device_id=LAPTOP)
    assert session["status_code"] == 201
    session_id = session["body"]["resources"][0]["session_id"]
    run = rtr.execute_command(session_id=session_id, base_command="ps", command_string="ps")
    request = run["body"]["resources"][0]["cloud_request_id"]
    for _ in range(100):
        answer = rtr.check_command_status(cloud_request_id=request, sequence_id=0)["body"]["resources"][0]
        if answer["complete"]:
            break
        time.sleep(0.05)
    assert "falcon-sensor" in answer["stdout"]


def test_a_file_is_released(standins, login):
    id = standins.state("edr")["files"][0]["id"]
    done = Quarantine(**login).update_quarantined_detects_by_id(ids=[id], action="release", comment="a tool of ours")
    assert done["status_code"] == 200
    assert standins.effects("edr") == ["released: procdump64.exe"]
