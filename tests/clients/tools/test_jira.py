"""The Jira client of PyPI against the stand-in for Jira Cloud, by version 3 of the API."""

import pytest
from jira import JIRA, JIRAError


def document(text):
    words = [{"type": "text", "text": text}]
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": words}]}


FIELDS = {"project": {"key": "SEC"}, "issuetype": {"name": "Task"}, "summary": "Isolate fin-laptop-12"}


@pytest.fixture
def jira(standins):
    here = standins.here["jira"]
    options = {"server": here["url"], "rest_api_version": "3"}
    return JIRA(options=options, basic_auth=(here["email"], here["token"]), max_retries=0)


def test_an_issue_is_made_moved_on_and_found(standins, jira):
    assert jira.myself()["emailAddress"] == "vigie@example.com"
    issue = jira.create_issue(fields={**FIELDS, "description": document("by playbook"), "labels": ["vigie"]})
    assert (issue.key, issue.fields.status.name) == ("SEC-1", "To Do")
    jira.add_comment(issue, document("contained"))
    jira.transition_issue(issue, "Done")
    issue.update(fields={"labels": ["vigie", "contained"]})
    found = jira.enhanced_search_issues('project = SEC AND labels = "contained"', fields="status,summary")
    assert [(one.key, one.fields.status.name) for one in found] == [("SEC-1", "Done")]
    ticket = standins.state("jira")["tickets"][0]
    assert (ticket["status"], ticket["comments"], ticket["labels"]) == ("Done", 1, ["vigie", "contained"])


def test_a_link_stands_once(standins, jira):
    issue = jira.create_issue(fields=FIELDS)
    for _ in range(2):
        jira.add_simple_link(issue, {"url": "https://vigie.example/alr_1", "title": "Alert"})
    assert standins.state("jira")["tickets"][0]["links"] == 2, "without a global id each is another"


def test_what_is_wrong_is_an_error_of_jiras(standins, jira):
    with pytest.raises(JIRAError) as refused:
        jira.create_issue(fields={**FIELDS, "description": "plain text"})
    assert refused.value.status_code == 400 and "Atlassian Document" in refused.value.text
    with pytest.raises(JIRAError) as unknown:
        jira.issue("SEC-9")
    assert unknown.value.status_code == 404 and "does not exist" in unknown.value.text
    with pytest.raises(JIRAError) as unbounded:
        jira.enhanced_search_issues("order by created")
    assert "Unbounded JQL" in unbounded.value.text
    assert standins.effects("jira") == []
