// What a person sees of a page, waits for, and does there.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { shoot, frame } from './images.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
// How long a person may have to wait for what the demo does by itself; only a failure waits so long.
const PATIENCE = 20_000;
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

export class Screen {
  constructor(page) {
    this.page = page;
    page.setDefaultTimeout(PATIENCE);
    // Behind the scenes is a page of its own, within this one; so are the stand-ins for the tools.
    this.behind = page.frameLocator('iframe[title="Behind the scenes"]');
    this.tools = page.frameLocator('iframe[title^="Stand-ins"]');
    this.prompt = page.locator('#prompt');
    this.dialog = page.getByRole('dialog');
    this.thread = page.getByRole('complementary', { name: 'Thread' });
    this.stream = page.getByRole('log', { name: 'Messages' });
  }

  button(name, within = this.page) {
    return within.getByRole('button', { name });
  }

  // The message in the channel that says this.
  message(says) {
    return this.stream.getByRole('article').filter({ hasText: says });
  }

  // Does what may have to wait for something on the page.
  async within(what, doing) {
    try {
      return await doing();
    } catch (error) {
      throw new Error(`${what}: ${error.message}\nOn the page was:\n${await this.told()}`);
    }
  }

  sees(locator, what = String(locator)) {
    return this.within(`nobody saw ${what}`, () => locator.first().waitFor());
  }

  gone(locator, what = String(locator)) {
    return this.within(`${what} did not go`, () => locator.first().waitFor({ state: 'hidden' }));
  }

  click(locator, what = String(locator)) {
    return this.within(`could not press ${what}`, () => locator.click());
  }

  // Waits until what is read there is so.
  async reads(locator, pattern, what = String(locator)) {
    await this.sees(locator.filter({ hasText: pattern }), `${pattern} in ${what}`);
  }

  // Waits until a question about the page is answered with yes.
  until(what, question, argument) {
    return this.within(what, () => this.page.waitForFunction(question, argument));
  }

  async become(name) {
    await this.within(`could not become ${name}`, () => this.page.getByLabel('You are').selectOption({ label: name }));
    await this.until(`it does not show what ${name} sees`, (who) => document.querySelector('#person').selectedOptions[0]?.label === who && document.querySelector('#rights').textContent, name);
  }

  async goTo(channel) {
    await this.click(this.page.getByRole('list', { name: /Channels|Direct messages/ }).getByRole('button', { name: channel }));
  }

  // Opens one of the folded parts behind the scenes.
  async unfold(part) {
    const summary = this.behind.getByText(part, { exact: true });
    await this.sees(summary, part);
    if (!(await summary.evaluate((node) => node.parentNode.open))) await this.click(summary, part);
  }

  // Everything that can be read now, dialogs and panels too.
  async told() {
    const read = (frame) => frame.evaluate(() => (innerWidth ? document.body.innerText : '')).catch(() => '(it is gone)');
    return (await Promise.all(this.page.frames().map(read))).filter(Boolean).join('\n--- beside it ---\n');
  }

  // A state of the page that is looked at by axe, wide and narrow, and photographed where images are wanted.
  async is(state) {
    for (const [size, width] of [[DESKTOP, 'wide'], [PHONE, 'narrow']]) {
      await this.page.setViewportSize(size);
      await this.until('it does not settle', () => document.getAnimations().every((one) => one.playState !== 'running'));
      await this.accessible(`${state}, ${width}`);
      await this.fits(`${state}, ${width}`);
      await shoot(this.page, state, width);
    }
    await this.page.setViewportSize(DESKTOP);
    await frame(this.page);
  }

  // No finding of axe's that keeps somebody out; `within` a part of the page, `but` for these rules.
  async accessible(state, { within, but = [] } = {}) {
    for (const frame of within ? [this.page.mainFrame()] : this.page.frames()) {
      await frame.evaluate(AXE);
      const rules = Object.fromEntries(but.map((rule) => [rule, { enabled: false }]));
      const look = ([part, off]) => axe.run(part ?? document, { iframes: false, rules: off });
      const { violations } = await frame.evaluate(look, [within, rules]);
      const grave = violations.filter((one) => ['serious', 'critical'].includes(one.impact));
      const told = grave.map((one) => `${one.impact} ${one.id}: ${one.help}\n${one.nodes.map((node) => `  ${node.html}\n  ${node.failureSummary}`).join('\n')}`);
      assert.deepEqual(told, [], `${state}: what keeps somebody out`);
    }
  }

  // Nothing is wider than the window.
  async fits(state) {
    const [is, has] = await this.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(is <= has, `${state}: it is ${is} px wide in a window of ${has}`);
  }
}
