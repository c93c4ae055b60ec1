// What Vigie says: every message, form and acknowledgement of our stories is as Slack's types have it. The schema itself takes
// what is right and refuses each kind of mistake.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lines } from './lines.js';
import { faults } from './said.js';

// Our stories say all of these: a kind that is not among the files was lost on the way.
const EXPECTED = ['chat.postMessage', 'chat.update', 'views.open', 'ack of a form'];

test('everything that our stories said', (t) => {
  const counts = new Map(EXPECTED.map((kind) => [kind, 0]));
  const wrong = [];
  for (const line of lines(process.env.VIGIE_SAID)) {
    const found = faults(line);
    if (found === null) continue;
    counts.set(line.said, (counts.get(line.said) ?? 0) + 1);
    if (found.length > 0) wrong.push(`${line.said}\n  ${found.join('\n  ')}\n  ${JSON.stringify(line.body).slice(0, 2000)}`);
  }
  t.diagnostic([...counts].map(([kind, count]) => `${count} ${kind}`).join(', '));
  assert.equal(wrong.length, 0, `${wrong.length} wrong:\n${wrong.slice(0, 5).join('\n')}`);
  for (const kind of EXPECTED) assert.notEqual(counts.get(kind), 0, `no story said ${kind}`);
});

const text = { type: 'plain_text', text: 'Acknowledge' };
const button = { type: 'button', action_id: 'ack', text, style: 'primary', value: 'alr_1' };
const block = { type: 'actions', block_id: 'what', elements: [button] };
const metadata = { event_type: 'alert', event_payload: { id: 'alr_1' } };
const message = { channel: 'C0SOC', text: 'alert', blocks: [block], metadata };
const note = { type: 'input', block_id: 'note', label: text, element: { type: 'plain_text_input', action_id: 'note' } };
const view = { type: 'modal', title: text, submit: text, blocks: [note] };

const posts = (change) => ({ said: 'chat.postMessage', body: { ...message, ...change } });
const acts = (change) => posts({ blocks: [{ ...block, elements: [{ ...button, ...change }] }] });
const opens = (change) => ({ said: 'views.open', body: { trigger_id: '1.2.3', view: { ...view, ...change } } });
const acks = (body) => ({ said: 'ack of a form', body });

const RIGHT = { 'a message': posts({}), 'a form': opens({}), 'an error': acks({ response_action: 'errors', errors: { note: 'say more' } }) };
for (const [name, said] of Object.entries(RIGHT)) {
  test(`${name} is taken`, () => assert.deepEqual(faults(said), []));
}

const WRONG = {
  'a property that Slack does not know': posts({ colour: 'red' }),
  'a style that Slack does not know': acts({ style: 'secondary' }),
  'a misspelt property of a button': acts({ actionid: 'ack' }),
  'a button whose text is markdown': acts({ text: { type: 'mrkdwn', text: 'Ack' } }),
  'a block that Slack does not know': posts({ blocks: [{ type: 'dividor' }] }),
  'metadata without a payload': posts({ metadata: { event_type: 'alert', event_paylod: {} } }),
  'a form with a property too many': opens({ on_close: true }),
  'a form without a title': opens({ title: undefined }),
  'an element that an input does not take': opens({ blocks: [{ ...note, element: button }] }),
  'an acknowledgement of another name': acks({ response_action: 'error', errors: {} }),
  'errors that are no words': acks({ response_action: 'errors', errors: { note: 3 } }),
  'an answer to nobody that Slack knows': { said: 'response_url', body: { text: 'x', response_type: 'everybody' } },
  'a method without a type': { said: 'views.close', body: {} },
};
for (const [name, said] of Object.entries(WRONG)) {
  test(`${name} is refused`, () => assert.notDeepEqual(faults(JSON.parse(JSON.stringify(said))), []));
}
