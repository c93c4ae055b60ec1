// The demo to which nobody does anything, and the end of one.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Browser, Demo } from './demo.js';

// A demo and who looks at it; both are gone after the test, however it ends.
async function watched(t, options) {
  const browser = await Browser.start();
  t.after(() => browser.end());
  const demo = await Demo.start(options);
  t.after(() => demo.end());
  const page = await browser.open(demo.url);
  await page.sees(page.message('Credential dump'));
  return { browser, demo, page };
}

test('an alert that nobody acknowledges climbs to a direct message by itself, within a minute', async (t) => {
  const { page } = await watched(t);
  await page.become('Bob Chen');
  page.page.setDefaultTimeout(60_000);
  await page.sees(page.page.getByRole('list', { name: 'Direct messages' }).getByRole('button', { name: / 1 new$/ }), 'Bob’s unread mark');
});

test('Ctrl-C ends it without a fault, and leaves nothing behind', async (t) => {
  const { browser, demo, page } = await watched(t, { keeps: false });
  assert.deepEqual(readdirSync(demo.folder).map((name) => name.replace(/\d+/, 'N')), ['vigie-demo-N']);
  assert.equal(await demo.process.interrupt(), 0);
  assert.deepEqual(readdirSync(demo.folder), []);
  await page.reads(page.page.locator('#status'), 'does not answer', 'the page');
  browser.forgive(/ERR_CONNECTION|Failed to fetch/);
});
