// @slack/web-api: posting and reading back, error words, rate limits, lost answers.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { LogLevel, WebClient } from '@slack/web-api';
import { Slack, word } from './slack.js';

let slack, client;
const QUIET = { logLevel: LogLevel.ERROR };
const texts = (page) => page.messages.map((message) => message.text);

beforeEach(async () => {
  slack = await Slack.start();
  client = new WebClient(slack.bot_token, { slackApiUrl: slack.api_url, ...QUIET });
});
afterEach(() => slack.end());

const post = (text, more = {}) => client.chat.postMessage({ channel: 'C0SOC', text, ...more });

test('who the token is', async () => {
  const me = await client.auth.test();
  assert.deepEqual([me.team_id, me.user_id, me.bot_id], ['T0SIM', 'U0BOT', 'B0BOT']);
  assert.ok(me.response_metadata.scopes.includes('chat:write'));
});

test('a message comes back with its blocks and its metadata', async () => {
  const metadata = { event_type: 'alert', event_payload: { id: 'alr_1' } };
  const blocks = [{ type: 'section', block_id: 'what', text: { type: 'mrkdwn', text: 'malware & more' } }];
  const { ts } = await post('alert', { blocks, metadata });
  const [bare] = (await client.conversations.history({ channel: 'C0SOC' })).messages;
  assert.equal(bare.metadata, undefined);
  const whole = (await client.conversations.history({ channel: 'C0SOC', include_all_metadata: true })).messages[0];
  assert.deepEqual([whole.ts, whole.metadata], [ts, metadata]);
  assert.deepEqual(whole.blocks[0].text.text, 'malware & more');
});

test('history is newest first and comes in pages', async () => {
  for (const number of [0, 1, 2, 3, 4]) await post(`${number}`);
  const pages = [];
  for await (const page of client.paginate('conversations.history', { channel: 'C0SOC', limit: 2 })) {
    pages.push([...texts(page), page.has_more]);
  }
  assert.deepEqual(pages, [['4', '3', true], ['2', '1', true], ['0', false]]);
});

test('replies are in the thread and not in history', async () => {
  const parent = (await post('parent')).ts;
  await post('reply', { thread_ts: parent });
  assert.deepEqual(texts(await client.conversations.history({ channel: 'C0SOC' })), ['parent']);
  assert.deepEqual(texts(await client.conversations.replies({ channel: 'C0SOC', ts: parent })), ['parent', 'reply']);
});

test('an update keeps what it leaves out', async () => {
  const blocks = [{ type: 'section', text: { type: 'mrkdwn', text: 'old' } }];
  const { ts } = await post('alert', { blocks });
  await client.chat.update({ channel: 'C0SOC', ts, text: 'words only' });
  const [shown] = await slack.seen('ana', 'C0SOC');
  assert.deepEqual([shown.text, shown.blocks[0].text.text], ['words only', 'old']);
});

test('a direct message, an ephemeral, people and groups', async () => {
  const { channel } = await client.conversations.open({ users: 'U0ANA' });
  await client.chat.postMessage({ channel: 'U0ANA', text: 'psst' });
  assert.deepEqual(await slack.texts('ana', channel.id), ['psst']);
  await client.chat.postEphemeral({ channel: 'C0SOC', user: 'U0ANA', text: 'for you' });
  assert.deepEqual([await slack.texts('ana', 'C0SOC'), await slack.texts('bea', 'C0SOC')], [['for you'], []]);
  assert.equal((await client.users.list({})).members.length, 5);
  assert.deepEqual((await client.usergroups.users.list({ usergroup: 'S0BLUE' })).users, ['U0BEA']);
  assert.equal((await client.dnd.teamInfo({ users: 'U0BEA' })).users.U0BEA.dnd_enabled, true);
});

const title = { type: 'plain_text', text: 'x' };
const WORDS = [
  ['chat.postMessage', { channel: 'C0NONE', text: 'x' }, 'channel_not_found'],
  ['chat.postMessage', { channel: 'C0OUT', text: 'x' }, 'not_in_channel'],
  ['chat.postMessage', { channel: 'C0OLD', text: 'x' }, 'is_archived'],
  ['chat.postMessage', { channel: 'C0SOC' }, 'no_text'],
  ['chat.postMessage', { channel: 'C0SOC', text: 'x'.repeat(40_001) }, 'msg_too_long'],
  ['chat.postMessage', { channel: 'C0SOC', blocks: [{ type: 'odd' }] }, 'invalid_blocks'],
  ['chat.update', { channel: 'C0SOC', ts: '1.000100', text: 'x' }, 'message_not_found'],
  ['chat.postEphemeral', { channel: 'C0SOC', user: 'U0LEA', text: 'x' }, 'user_not_in_channel'],
  ['conversations.replies', { channel: 'C0SOC', ts: '1.000100' }, 'thread_not_found'],
  ['users.info', { user: 'U0NONE' }, 'user_not_found'],
  ['team.info', {}, 'missing_scope'],
  ['views.open', { trigger_id: '1.2.3', view: { type: 'modal', title, blocks: [] } }, 'invalid_trigger_id'],
  ['apps.connections.open', {}, 'not_allowed_token_type'],
];
for (const [method, body, expected] of WORDS) {
  test(`${method} is refused: ${expected}`, async () => {
    assert.equal(await word(client.apiCall(method, body)), expected);
  });
}

test('a wrong token is invalid_auth', async () => {
  const stranger = new WebClient('xoxb-wrong', { slackApiUrl: slack.api_url, ...QUIET });
  assert.equal(await word(stranger.auth.test()), 'invalid_auth');
});

test('the client waits out a rate limit and posts once', async () => {
  const waits = [];
  client.on('rate_limited', (seconds) => waits.push(seconds));
  await slack.order('fail_next', { method: 'chat.postMessage', fault: { rate_limited: 1 } });
  await post('x');
  assert.deepEqual(waits, [1]);
  assert.deepEqual((await slack.calls('chat.postMessage')).map((call) => call.status), [429, 200]);
  assert.deepEqual(await slack.texts('ana', 'C0SOC'), ['x']);
});

test('a rate limit says for how long', async () => {
  const impatient = new WebClient(slack.bot_token, { slackApiUrl: slack.api_url, rejectRateLimitedCalls: true, ...QUIET });
  await slack.order('fail_next', { method: 'chat.postMessage', fault: { rate_limited: 7 } });
  const refused = await impatient.chat.postMessage({ channel: 'C0SOC', text: 'x' }).catch((error) => error);
  assert.equal(refused.retryAfter, 7);
});

test('an answer that is lost was done all the same', async () => {
  const once = new WebClient(slack.bot_token, { slackApiUrl: slack.api_url, retryConfig: { retries: 0 }, ...QUIET });
  await slack.order('fail_next', { method: 'chat.postMessage', fault: 'lose_response' });
  await assert.rejects(once.chat.postMessage({ channel: 'C0SOC', text: 'x' }));
  assert.deepEqual(await slack.texts('ana', 'C0SOC'), ['x']);
});
