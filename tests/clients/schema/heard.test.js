// What the simulated Slack says: every payload that Bolt was sent (`node/bolt.test.js`) is as Slack's types have it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lines } from './lines.js';
import { schemas } from './types.js';

const TYPES = {
  block_actions: 'Click',
  shortcut: 'GlobalShortcut',
  message_action: 'MessageShortcut',
  view_submission: 'ViewSubmitAction',
  view_closed: 'ViewClosedAction',
  command: 'SlashCommand',
  message: 'MessageCallback',
  reaction_added: 'ReactionCallback',
  app_home_opened: 'HomeCallback',
};
// Slack's types name what an app may use, and Slack sends more.
const schema = schemas('heard.ts', { additionalProperties: true });

// Outside an organisation Slack sends `"enterprise": null`, which the types leave out; a click in a view has no response URL, which
// they demand. (docs.slack.dev/reference/interaction-payloads/block_actions-payload)
function asTyped(body) {
  const typed = { ...body };
  if (typed.enterprise === null) delete typed.enterprise;
  if (typed.container?.type === 'view') typed.response_url = '';
  return typed;
}

const kind = (body) => body.event?.type ?? body.type ?? 'command';
const heard = Map.groupBy(lines(process.env.VIGIE_HEARD), kind);
for (const [name, type] of Object.entries(TYPES)) {
  test(`${name} is a ${type}`, () => {
    const bodies = heard.get(name) ?? [];
    assert.notEqual(bodies.length, 0, 'none was heard');
    const check = schema(type);
    for (const body of bodies) assert.deepEqual(check(asTyped(body)), [], JSON.stringify(body));
  });
}

test('nothing else was heard', () => {
  assert.deepEqual([...heard.keys()].filter((name) => !(name in TYPES)), []);
});
