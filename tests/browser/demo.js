// `vigie demo` as it is started in a terminal, and the browser that looks at it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { Screen } from './screen.js';

const TARGET = fileURLToPath(new URL('../../target/debug/', import.meta.url));
export const VIGIE = process.env.VIGIE ?? join(TARGET, 'vigie');
// The reader's zone, which is the machine's: not UTC, so that a time in the wrong zone shows.
export const ZONE = 'America/New_York';

const DOT = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mP8/x8AAwMCAO+ip1sAAAAASUVORK5CYII=', 'base64');

// What tells one chapter of a story; what comes after a broken one is not worth waiting for.
export function chapters() {
  let broken;
  return (name, tells) => test(name, async () => {
    assert.equal(broken, undefined, 'an earlier chapter failed');
    try {
      await tells();
    } catch (error) {
      broken = name;
      throw error;
    }
  });
}

// A process that is read line by line.
export class Process {
  constructor(program, args, options = {}) {
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options });
    this.said = [];
    this.waiting = [];
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      this.said.push(line);
      this.waiting.forEach((look) => look());
    });
    this.ended = once(this.child, 'exit');
  }

  // Waits for a line that this matches; the match.
  says(pattern) {
    const found = () => this.said.map((line) => pattern.exec(line)).find(Boolean);
    return new Promise((resolve, reject) => {
      const look = () => found() && resolve(found());
      this.waiting.push(look);
      this.ended.then(([code]) => reject(new Error(`it ended with ${code} and said:\n${this.said.join('\n')}`)));
      look();
    });
  }

  // Ctrl-C; how it ended.
  async interrupt() {
    this.child.kill('SIGINT');
    const [code, signal] = await this.ended;
    return signal ?? code;
  }
}

// A demo that nobody else looks at, in a folder that is kept until the test ends, or (`keeps: false`) in its own.
export class Demo {
  static async start({ keeps = true } = {}) {
    const demo = new Demo();
    demo.folder = mkdtempSync(join(tmpdir(), 'vigie-browser-'));
    demo.begun = performance.now();
    const kept = keeps ? ['--keep', join(demo.folder, 'kept')] : [];
    const env = { ...process.env, TZ: ZONE, TMPDIR: demo.folder };
    demo.process = new Process(VIGIE, ['demo', '--no-open', '--port', '0', ...kept], { env });
    demo.url = (await demo.process.says(/the page +(http\S+)/))[1];
    return demo;
  }

  // The `curl` that was printed, in its two lines.
  async curl() {
    const [, first] = await this.process.says(/send an alert +(curl .*)\\$/);
    const [second] = await this.process.says(/^ +-d .*/);
    return `${first} ${second}`;
  }

  async end() {
    const code = await this.process.interrupt();
    rmSync(this.folder, { recursive: true, force: true });
    return code;
  }
}

// A browser of its own; what its pages complain of is an error of the test that has it.
export class Browser {
  static async start() {
    const browser = new Browser();
    const args = process.getuid() === 0 ? ['--no-sandbox'] : [];
    browser.chromium = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
    browser.complaints = [];
    return browser;
  }

  async open(url, viewport = { width: 1280, height: 800 }) {
    this.context = await this.chromium.newContext({ viewport, timezoneId: ZONE, locale: 'en-US', reducedMotion: 'reduce' });
    // Pictures and links lead out of this machine: everything there is one white dot.
    await this.context.route((address) => address.hostname !== '127.0.0.1', (route) => route.fulfill({ contentType: 'image/png', body: DOT }));
    const page = await this.context.newPage();
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (said) => said.type() === 'error' && this.complaints.push(said.text()));
    await page.goto(url);
    return new Screen(page);
  }

  // What the page cannot help but complain of.
  forgive(pattern) {
    this.complaints = this.complaints.filter((complaint) => !pattern.test(complaint));
  }

  async end() {
    await this.chromium.close();
    assert.deepEqual(this.complaints, [], 'the page complains of nothing');
  }
}
