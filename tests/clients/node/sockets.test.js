// @slack/socket-mode: events, retries, reconnects.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { LogLevel, SocketModeClient } from '@slack/socket-mode';
import { DEADLINE, Queue, Slack, word } from './slack.js';

let slack, client, events, acknowledges;

function makeClient(appToken = slack.app_token) {
  const clientOptions = { slackApiUrl: slack.api_url };
  return new SocketModeClient({ appToken, clientOptions, clientPingTimeout: 500, logLevel: LogLevel.ERROR });
}

beforeEach(async () => {
  slack = await Slack.start();
  [client, events, acknowledges] = [makeClient(), new Queue(), true];
  client.on('slack_event', async (event) => {
    if (acknowledges) await event.ack();
    events.put(event);
  });
});
afterEach(async () => {
  await client.disconnect();
  slack.end();
});

const says = (text) => slack.by('ana', 'say', { channel: 'C0SOC', text });

// Lets the pauses between Slack's attempts pass until the event is here.
async function isToldAtLast(text) {
  for (const pause of [DEADLINE, 61, 301]) {
    if (events.items.length > 0) break;
    await slack.letPass(pause);
  }
  assert.equal((await events.next()).body.event.text, text);
}

test('an event arrives whole', async () => {
  const opened = await client.start();
  assert.match(opened.url, /^ws:/);
  await says('hello');
  const event = await events.next();
  assert.deepEqual([event.type, event.accepts_response_payload, event.retry_num], ['events_api', false, 0]);
  assert.deepEqual([event.body.type, event.body.event.text, event.body.event.channel], ['event_callback', 'hello', 'C0SOC']);
});

test('a goodbye is answered', async () => {
  const errors = new Queue();
  client.on('error', (error) => errors.put(error));
  await client.start();
  await client.disconnect();
  assert.deepEqual(errors.items, []);
});

test('an event not acknowledged comes again three times', async () => {
  acknowledges = false;
  await client.start();
  await says('hello');
  const seen = [await events.next()];
  for (const pause of [0, 61, 301]) {
    await slack.letPass(DEADLINE);
    if (pause) await slack.letPass(pause);
    seen.push(await events.next());
  }
  await slack.letPass(DEADLINE);
  await slack.letPass(3600);
  assert.equal(events.items.length, 0);
  assert.deepEqual(seen.map((event) => event.retry_num), [0, 1, 2, 3]);
  assert.deepEqual(seen.map((event) => event.retry_reason), ['', 'timeout', 'timeout', 'timeout']);
  assert.equal(new Set(seen.map((event) => event.body.event_id)).size, 1);
});

test('an envelope may come twice', async () => {
  await client.start();
  await slack.order('repeat_next');
  await says('hello');
  assert.equal((await events.next()).envelope_id, (await events.next()).envelope_id);
});

for (const reason of ['warning', 'refresh_requested', 'too_many_websockets', 'link_disabled']) {
  test(`a client that is sent away (${reason}) comes back and loses nothing`, async () => {
    await client.start();
    await slack.order('disconnect', { reason });
    const back = new Promise((resolve) => client.once('connected', resolve));
    await says('meanwhile');
    await back;
    await isToldAtLast('meanwhile');
  });
}

test('a client that is cut off comes back and is told', async () => {
  await client.start();
  const back = new Promise((resolve) => client.once('connected', resolve));
  await slack.order('drop');
  await slack.order('await_sockets', { count: 0 });
  await says('while it was away');
  await back;
  await isToldAtLast('while it was away');
});

test('the eleventh socket is one too many', async () => {
  const ten = [client, ...Array.from({ length: 9 }, () => makeClient())];
  for (const one of ten) await one.start();
  const eleventh = makeClient();
  const heard = new Promise((resolve) => eleventh.once('ws_message', (text) => resolve(JSON.parse(text))));
  eleventh.start().catch(() => {});
  assert.deepEqual(await heard.then(({ type, reason }) => [type, reason]), ['disconnect', 'too_many_websockets']);
  await Promise.all([eleventh, ...ten.slice(1)].map((one) => one.disconnect()));
});

test('a wrong token opens no socket', async () => {
  assert.equal(await word(makeClient('xapp-wrong').start()), 'invalid_auth');
});
