// A simulated Slack for each test, whose time stands still until the test lets it pass.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SIMULATOR =
  process.env.SIMULATOR ?? fileURLToPath(new URL('../../../target/debug/examples/slack', import.meta.url));
// How long a client may take for what it does by itself; only a failure waits so long.
const PATIENCE = 20_000;
// Everything must be acknowledged within three seconds; this is just more.
export const DEADLINE = 3.1;

export class Slack {
  static async start() {
    const slack = new Slack();
    slack.process = spawn(SIMULATOR, ['0', 'still'], { stdio: ['pipe', 'pipe', 'inherit'] });
    slack.lines = createInterface({ input: slack.process.stdout })[Symbol.asyncIterator]();
    Object.assign(slack, JSON.parse((await slack.lines.next()).value));
    return slack;
  }

  // Orders are answered in turn.
  order(what, fields = {}) {
    const answer = (this.last ?? Promise.resolve()).then(async () => {
      this.process.stdin.write(`${JSON.stringify({ do: what, ...fields })}\n`);
      const { ok, error } = JSON.parse((await this.lines.next()).value);
      assert.equal(error, undefined);
      return ok;
    });
    this.last = answer.catch(() => {});
    return answer;
  }

  letPass(seconds) {
    return this.order('pass', { seconds });
  }

  calls(method) {
    return this.order('calls', { method });
  }

  // A person acts; in words, what became of it. It ends once the app has acknowledged, or 3 s have been let pass.
  async by(user, act, fields = {}) {
    const headers = { 'Content-Type': 'application/json' };
    const body = JSON.stringify({ user, act, ...fields });
    const answer = await (await fetch(`${this.page_url}page/act`, { method: 'POST', headers, body })).json();
    assert.ok(answer.ok, answer.error);
    return answer.became;
  }

  async acknowledged(user, act, fields) {
    assert.match(await this.by(user, act, fields), /^acknowledged/);
  }

  async screen(user) {
    return (await fetch(`${this.page_url}page/state?user=${user}`)).json();
  }

  // The messages on somebody's screen, oldest first.
  async seen(user, channel) {
    return (await this.screen(user)).channels.find((c) => c.id === channel).messages;
  }

  async texts(user, channel) {
    return (await this.seen(user, channel)).map((message) => message.text);
  }

  end() {
    this.process.stdin.end();
  }
}

// A queue between a client's listeners and the test.
export class Queue {
  items = [];

  put(item) {
    this.items.push(item);
  }

  async next() {
    await until(() => this.items.length > 0, 'the next one');
    return this.items.shift();
  }
}

// Keeps what an app was sent, for `schema/heard.test.js`.
export function heard(body) {
  appendFileSync(join(process.env.VIGIE_HEARD, `${process.pid}.jsonl`), `${JSON.stringify(body)}\n`);
}

// Waits for what a client does by itself.
export async function until(condition, what = 'it') {
  const ends = Date.now() + PATIENCE;
  while (Date.now() < ends) {
    const found = await condition();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${what} did not come about`);
}

// The error word that a call is refused with.
export async function word(promise) {
  const error = await promise.then(() => assert.fail('it was not refused'), (error) => error);
  return error.data?.error ?? error.code;
}
