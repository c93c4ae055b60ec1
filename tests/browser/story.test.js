// The demo as one person after another lives it, from the first alert to Ctrl-C.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { Browser, Demo, chapters } from './demo.js';
import { frame, shoot } from './images.js';

let demo, browser, page;

before(async () => {
  browser = await Browser.start();
  demo = await Demo.start();
  page = await browser.open(demo.url);
});
after(async () => {
  await browser.end();
  assert.equal(await demo.end(), 0, 'Ctrl-C is no failure');
});

const chapter = chapters();

// A call's words depend on how long it has been.
const NOBODY = /It waits for somebody to acknowledge it|Nobody has acknowledged it for/;
const CRITICAL = 'Credential dump';
const said = async (locator) => (await locator.innerText()).replace(/\s+/g, ' ').trim();

// Sends an alert by the form behind the scenes.
async function sends({ title, severity, host = 'prod-db-1' }) {
  await page.behind.getByLabel('Title').fill(title);
  await page.behind.getByLabel('Severity').selectOption(severity);
  await page.behind.getByLabel('Host').fill(host);
  await page.click(page.button('Send', page.behind), 'Send');
  await page.reads(page.behind.locator('#sent'), /^202: created, alr_/, 'the answer');
}

chapter('it opens on Slack alone, with one prompt, and within seconds an alert is there', async () => {
  await page.sees(page.message(CRITICAL), 'the first alert');
  const seconds = (performance.now() - demo.begun) / 1000;
  console.log(`the first alert was seen ${seconds.toFixed(1)} s after the start`);
  assert.ok(seconds < 5, `it took ${seconds} s`);
  await page.reads(page.prompt, 'press Acknowledge', 'the prompt');
  assert.equal(await page.page.getByRole('complementary').count(), 0, 'nothing stands beside Slack');
  assert.equal(await page.button('Behind the scenes').getAttribute('aria-expanded'), 'false');
  await page.sees(page.button(/^#soc-alerts unread$/), 'that #soc-alerts has news');
  await page.is('channel');
});

chapter('the page and the bot speak in the same time', async () => {
  const words = await said(page.message(CRITICAL));
  const [, hour, minute, half] = /(\d+):(\d+) ([AP]M)/.exec(words).map((part) => (/\d/.test(part) ? Number(part) : part));
  const [, botHour, botMinute] = /received (\d+):(\d+)/.exec(words).map(Number);
  const minutes = ((hour % 12) + (half === 'PM' ? 12 : 0)) * 60 + minute;
  assert.ok((minutes - (botHour * 60 + botMinute) + 1440) % 1440 <= 1, words);
});

chapter('Alice acknowledges', async () => {
  await page.click(page.button('Acknowledge', page.message(CRITICAL)));
  await page.reads(page.message(CRITICAL), /Acknowledged by @alice/, 'the alert');
  assert.equal(await page.button('Acknowledge', page.message(CRITICAL)).count(), 0, 'nobody else can');
  await page.reads(page.prompt, 'Now be Dave', 'the prompt');
  await frame(page.page);
});

chapter('Dave may look and is refused, and both are told: he, and the record', async () => {
  await page.become('Dave Okoro');
  await page.reads(page.page.locator('#rights'), 'Auditor: may look', 'what Dave may do');
  await page.click(page.button('Resolve…', page.message(CRITICAL)));
  const refusal = page.message('Your roles do not allow this.');
  await page.reads(refusal, 'Only visible to you', 'the refusal');
  await page.reads(refusal, 'Nothing was done. The attempt was recorded.', 'the refusal');
  await page.is('refused');

  await page.click(page.button('Behind the scenes'));
  await page.unfold('What was recorded');
  const row = page.behind.getByRole('row').filter({ hasText: 'U0DAVE' });
  await page.reads(row, /auditor.*resolve_form.*denied: not_allowed/s, 'the record');
  await page.is('record');
  await page.click(page.button('Close'));

  await page.become('Alice Martin');
  await page.sees(page.message(CRITICAL));
  assert.equal(await refusal.count(), 0, 'Alice does not see what Dave was told');
  await page.reads(page.prompt, 'Be Alice again', 'the prompt');
});

chapter('Alice resolves, and the form says what is missing', async () => {
  await page.click(page.button('Resolve…', page.message(CRITICAL)));
  await page.sees(page.page.getByRole('dialog', { name: 'Resolve alert' }), 'the form');
  await page.is('modal');
  const [verdict, note] = [page.dialog.getByLabel('What was it?'), page.dialog.getByLabel('Note (required for this severity)')];
  const resolve = page.button('Resolve', page.dialog);

  await page.click(resolve);
  await page.reads(page.dialog.getByRole('alert'), 'Please complete this required field.', 'what is missing');
  assert.equal(await page.dialog.getByRole('alert').count(), 2);
  assert.ok(await verdict.evaluate((field) => field === document.activeElement), 'it leads to the first');
  await page.is('modal-errors');

  // Blanks are a note for Slack, and none for the bot.
  await verdict.selectOption({ label: 'True positive · A real threat' });
  await note.fill('   ');
  await page.click(resolve);
  await page.reads(page.dialog.getByRole('alert'), /note/i, 'what the bot says of it');
  assert.equal(await verdict.evaluate((field) => field.value), 'true_positive', 'what was chosen stays');

  await note.fill('procdump by an intruder: the laptop is isolated, the password changed.');
  await page.click(resolve);
  await page.gone(page.dialog, 'the form');
  await page.reads(page.message(CRITICAL), /Resolved by @alice [\d:]+ as true positive/, 'the alert');
  await page.reads(page.prompt, 'The other alert waits', 'the prompt');
  await page.is('resolved');
});

chapter('the thread has it all, and takes an answer', async () => {
  await page.click(page.message(CRITICAL).getByRole('button', { name: /repl(y|ies)/ }));
  for (const line of [/Acknowledged by @alice/, /Resolved by @alice as true positive\./, /the laptop is isolated/]) {
    await page.reads(page.thread.getByRole('article'), line, 'the thread');
  }
  await page.thread.getByLabel('Reply').fill('Ticket *SEC-114* has the image.');
  await page.page.keyboard.press('Enter');
  await page.sees(page.thread.locator('b', { hasText: 'SEC-114' }), 'the answer');
  await page.is('thread');
  await page.click(page.button('Close'));
});

chapter('an alert of their own, by the form and by the line for a terminal', async () => {
  await page.click(page.button('Behind the scenes'));
  await page.unfold('Send an alert of your own');
  await sends({ title: 'Domain admin made at night', severity: 'critical', host: 'dc-1' });
  await page.sees(page.message('Domain admin made at night'));
  await frame(page.page);

  const line = await demo.curl();
  assert.equal((await said(page.behind.locator('#curl'))).replace(/\\ /, ''), line.replace(/\s+/g, ' '), 'the page has the same line');
  const { stdout } = await promisify(execFile)('sh', ['-c', line]);
  assert.equal(JSON.parse(stdout).alerts[0].outcome, 'created');
  await page.goTo('#soc-alerts');
  await page.sees(page.message('My first alert'));
});

chapter('time passes, and what nobody took comes back: in the thread, then to who is on call', async () => {
  const alert = page.message('Domain admin made at night');
  await page.unfold('Let time pass');
  await page.goTo('#soc-critical');
  const letPass = async () => {
    await page.click(page.button('To the next reminder', page.behind));
    await page.reads(page.behind.locator('#passed'), 'have passed.', 'what passed');
  };
  await letPass();
  await page.click(alert.getByRole('button', { name: /repl(y|ies)/ }));
  const call = page.thread.getByRole('article').filter({ hasText: NOBODY });
  await page.sees(call.locator('.mention.me', { hasText: '@blue-team' }), 'that it calls Alice’s team');
  await frame(page.page);
  await page.click(page.button('Close'));

  await page.become('Bob Chen');
  await page.click(page.button('Behind the scenes'));
  await page.unfold('Let time pass');
  const unread = page.page.getByRole('list', { name: 'Direct messages' }).getByRole('button', { name: / \d+ new$/ });
  for (let rung = 0; rung < 5 && !(await unread.count()); rung += 1) {
    await letPass();
  }
  await page.sees(unread, 'Bob’s unread mark');
  assert.match(await page.page.title(), /^\(\d+\) /, 'the tab says so too');
  await page.click(page.button('Close'));
  await frame(page.page);
  await page.click(unread);
  await page.reads(page.message('Domain admin made at night'), NOBODY, 'the direct message');
  await page.gone(unread, 'the unread mark');
  await page.is('dm');
});

chapter('Slack goes away and comes back, and nothing is lost', async () => {
  await page.become('Alice Martin');
  await page.goTo('#soc-critical');
  await page.click(page.button('Behind the scenes'));
  await page.unfold('Take Slack away');
  await page.click(page.button('Slack is down', page.behind));
  await page.reads(page.page.getByRole('alert'), 'Slack is down', 'the page');
  await page.unfold('Send an alert of your own');
  await sends({ title: 'Backups deleted', severity: 'critical', host: 'nas-2' });
  await page.reads(page.page.locator('#status'), 'App not connected', 'the page');
  assert.equal(await page.message('Backups deleted').count(), 0, 'nobody can be shown it');
  await page.click(page.button('Close'));
  await page.is('away');
  await page.click(page.button('Behind the scenes'));
  await page.click(page.button('Bring Slack back', page.behind));
  await page.sees(page.message('Backups deleted'));
  await page.gone(page.page.getByRole('alert'), 'the line that says that Slack is down');
  assert.equal(await page.message('Backups deleted').count(), 1, 'once');
  await frame(page.page);
});

chapter('the bot crashes, and the next click works', async () => {
  await page.unfold('Crash the bot');
  await page.click(page.button('Crash it now', page.behind));
  await page.reads(page.behind.locator('#crashed'), 'It died, and is back.', 'what became of it');
  await page.click(page.button('Close'));
  await page.click(page.button('Acknowledge', page.message('Backups deleted')));
  await page.reads(page.message('Backups deleted'), /Acknowledged by @alice/, 'the alert');
});

chapter('a command is completed and answered', async () => {
  await page.page.getByRole('combobox').filter({ visible: true }).last().focus();
  await page.page.keyboard.type('/v');
  await page.sees(page.page.getByRole('option', { name: /^\/vigie/ }), 'the command');
  await page.is('completion');
  await page.page.keyboard.press('Tab');
  await page.page.keyboard.type('list');
  await page.page.keyboard.press('Enter');
  const answer = page.message('not resolved');
  await page.reads(answer, /worst first.*Domain admin made at night/s, 'the answer');
  await page.reads(answer, 'Only visible to you', 'the answer');
});

chapter('by keyboard alone', async () => {
  await page.goTo('#soc-alerts');
  const alert = page.message('My first alert');
  await page.sees(alert);
  const focused = () => page.page.evaluate(() => [document.activeElement.textContent, document.activeElement.closest('article')?.textContent ?? '']);
  const tabTo = async (name) => {
    for (let presses = 0; presses < 80; presses += 1) {
      const [label, around] = await focused();
      if (label === name && around.includes('My first alert')) return;
      await page.page.keyboard.press('Tab');
    }
    assert.fail(`Tab does not lead to ${name}\n${await page.told()}`);
  };
  await tabTo('⋯');
  await page.page.keyboard.press('Enter');
  await page.sees(page.page.getByRole('menuitem', { name: 'Assign…' }), 'the menu');
  await page.page.keyboard.press('Escape');
  await page.gone(page.page.getByRole('menuitem', { name: 'Assign…' }), 'the menu');
  assert.equal((await focused())[0], '⋯', 'the focus is where it was');
  for (let presses = 0; presses < 2; presses += 1) await page.page.keyboard.press('Shift+Tab');
  await tabTo('Acknowledge');
  await page.page.keyboard.press('Enter');
  await page.reads(alert, /Acknowledged by @alice/, 'the alert');
  assert.ok((await focused())[1].includes('My first alert'), 'the focus stays with the alert');
});

chapter('on a phone', async () => {
  await page.page.setViewportSize({ width: 390, height: 844 });
  await page.gone(page.button('#sec-leads'), 'the list of channels');
  await page.click(page.button(/^Channels and people/));
  await page.accessible('the list of channels, narrow');
  await shoot(page.page, 'channels', 'narrow');
  await page.goTo('#soc-critical');
  await page.gone(page.button('#sec-leads'), 'the list of channels');
  await page.click(page.button('Acknowledge', page.message('Domain admin made at night')));
  await page.reads(page.message('Domain admin made at night'), /Acknowledged by @alice/, 'the alert');
});
