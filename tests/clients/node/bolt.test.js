// @slack/bolt: what people do reaches its listeners, and what they answer reaches the people.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import bolt from '@slack/bolt';
import { Queue, Slack, heard, until, word } from './slack.js';

let slack, app, got;

beforeEach(async () => {
  slack = await Slack.start();
  got = new Queue();
  app = new bolt.App({
    token: slack.bot_token,
    appToken: slack.app_token,
    socketMode: true,
    clientOptions: { slackApiUrl: slack.api_url },
    logLevel: bolt.LogLevel.ERROR,
  });
  app.use(async ({ body, next }) => {
    heard(body);
    await next();
  });
});
afterEach(async () => {
  await app.stop();
  slack.end();
});

const text = (words) => ({ type: 'plain_text', text: words });
const BUTTONS = [
  {
    type: 'actions',
    block_id: 'what',
    elements: [
      { type: 'button', action_id: 'ack', text: text('Acknowledge'), value: 'alr_1' },
      { type: 'overflow', action_id: 'more', options: [{ text: text('Silence'), value: 'silence' }] },
    ],
  },
];

function modal(title, more = {}) {
  const element = { type: 'plain_text_input', action_id: 'note' };
  const blocks = [{ type: 'input', block_id: 'note', label: text('Note'), element }];
  return { type: 'modal', callback_id: 'resolve', title: text(title), submit: text('Send'), blocks, ...more };
}

async function message() {
  const { ts } = await app.client.chat.postMessage({ channel: 'C0SOC', text: 'alert', blocks: BUTTONS });
  return ts;
}

async function clicked(ts) {
  app.action('ack', async ({ ack, body, respond }) => {
    await ack();
    got.put({ body, respond });
  });
  await app.start();
  await slack.acknowledged('ana', 'click', { channel: 'C0SOC', ts, control: 'Acknowledge' });
  return got.next();
}

test('a click', async () => {
  const ts = await message();
  const { body } = await clicked(ts);
  assert.deepEqual([body.type, body.user.id, body.user.team_id], ['block_actions', 'U0ANA', 'T0SIM']);
  assert.deepEqual(body.channel, { id: 'C0SOC', name: 'soc' });
  assert.deepEqual([body.container.message_ts, body.message.ts], [ts, ts]);
  assert.deepEqual([body.actions[0].action_id, body.actions[0].value], ['ack', 'alr_1']);
});

test('a choice from a menu', async () => {
  const ts = await message();
  app.action('more', async ({ ack, action }) => {
    await ack();
    got.put(action.selected_option.value);
  });
  await app.start();
  await slack.acknowledged('ana', 'choose', { channel: 'C0SOC', ts, control: 'more', value: 'Silence' });
  assert.equal(await got.next(), 'silence');
});

test('a command is answered in its acknowledgement', async () => {
  app.command('/vigie', async ({ ack, command }) => ack(`you said ${command.text}`));
  app.command('/loud', async ({ ack }) => ack({ response_type: 'in_channel', text: 'hear' }));
  await app.start();
  await slack.acknowledged('ana', 'slash', { channel: 'C0SOC', text: '/vigie list' });
  await slack.acknowledged('ana', 'slash', { channel: 'C0SOC', text: '/loud' });
  assert.deepEqual(await slack.texts('ana', 'C0SOC'), ['you said list', 'hear']);
  assert.deepEqual(await slack.texts('bea', 'C0SOC'), ['hear']);
});

test('a form is refused, replaced, and taken', async () => {
  const answers = [
    { response_action: 'errors', errors: { note: 'say more' } },
    { response_action: 'update', view: modal('Second') },
    undefined,
  ];
  app.command('/vigie', async ({ ack, body, client }) => {
    await ack();
    await client.views.open({ trigger_id: body.trigger_id, view: modal('First') });
  });
  app.view('resolve', async ({ ack, view }) => {
    await ack(answers.shift());
    got.put(view.state.values.note.note.value);
  });
  await app.start();
  await slack.acknowledged('ana', 'slash', { channel: 'C0SOC', text: '/vigie' });
  await until(async () => (await slack.screen('ana')).view, 'the form');
  const submit = (note) => slack.acknowledged('ana', 'submit', { values: { Note: note } });
  await submit('x');
  assert.deepEqual((await slack.screen('ana')).view.errors, { note: 'say more' });
  await submit('more');
  assert.equal((await slack.screen('ana')).view.title.text, 'Second');
  await submit('most');
  assert.equal((await slack.screen('ana')).view, null);
  assert.deepEqual(got.items, ['x', 'more', 'most']);
});

test('a form that is closed says so', async () => {
  app.command('/vigie', async ({ ack, body, client }) => {
    await ack();
    await client.views.open({ trigger_id: body.trigger_id, view: modal('First', { notify_on_close: true }) });
  });
  app.view({ callback_id: 'resolve', type: 'view_closed' }, async ({ ack, body }) => {
    await ack();
    got.put(body.is_cleared);
  });
  await app.start();
  await slack.acknowledged('ana', 'slash', { channel: 'C0SOC', text: '/vigie' });
  await until(async () => (await slack.screen('ana')).view, 'the form');
  await slack.acknowledged('ana', 'close');
  assert.equal(await got.next(), false);
});

test('a trigger works once and soon', async () => {
  const ts = await message();
  const { body } = await clicked(ts);
  const open = (trigger_id) => app.client.views.open({ trigger_id, view: modal('First') });
  await open(body.trigger_id);
  assert.equal(await word(open(body.trigger_id)), 'exchanged_trigger_id');
  await slack.acknowledged('ana', 'click', { channel: 'C0SOC', ts, control: 'Acknowledge' });
  const { body: later } = await got.next();
  await slack.letPass(4);
  assert.equal(await word(open(later.trigger_id)), 'expired_trigger_id');
});

test('shortcuts', async () => {
  const ts = await message();
  app.shortcut({ callback_id: 'declare', type: 'shortcut' }, async ({ ack, shortcut }) => {
    await ack();
    got.put(shortcut.type);
  });
  app.shortcut({ callback_id: 'note', type: 'message_action' }, async ({ ack, shortcut }) => {
    await ack();
    got.put(shortcut.message.ts);
  });
  await app.start();
  await slack.acknowledged('ana', 'shortcut', { control: 'declare' });
  await slack.acknowledged('ana', 'message_shortcut', { channel: 'C0SOC', ts, control: 'note' });
  assert.deepEqual([await got.next(), await got.next()], ['shortcut', ts]);
});

test('a message, a reaction and the Home', async () => {
  app.message('hello', async ({ message, say }) => {
    await say(`hello ${message.user}`);
  });
  app.event('reaction_added', async ({ event }) => got.put(event.item.ts));
  app.event('app_home_opened', async ({ event, client }) => {
    await client.views.publish({ user_id: event.user, view: { type: 'home', blocks: BUTTONS } });
  });
  await app.start();
  await slack.by('ana', 'say', { channel: 'C0SOC', text: 'hello' });
  await until(async () => (await slack.texts('bea', 'C0SOC')).includes('hello U0ANA'), 'the answer');
  const [{ ts }] = await slack.seen('ana', 'C0SOC');
  await slack.acknowledged('ana', 'react', { channel: 'C0SOC', ts, control: 'eyes' });
  assert.equal(await got.next(), ts);
  await slack.acknowledged('ana', 'home');
  await until(async () => (await slack.screen('ana')).home, 'her Home');
});

test('a response URL answers, replaces and deletes, five times', async () => {
  const ts = await message();
  const { respond } = await clicked(ts);
  await respond('only you');
  await respond({ text: 'all of you', response_type: 'in_channel' });
  assert.deepEqual(await slack.texts('ana', 'C0SOC'), ['alert', 'only you', 'all of you']);
  assert.deepEqual(await slack.texts('bea', 'C0SOC'), ['alert', 'all of you']);
  await respond({ text: 'done', replace_original: true });
  assert.deepEqual(await slack.texts('bea', 'C0SOC'), ['done', 'all of you']);
  await respond({ delete_original: true });
  assert.deepEqual(await slack.texts('bea', 'C0SOC'), ['all of you']);
  await respond('fifth');
  await assert.rejects(respond('sixth'), { statusCode: 404 });
});
