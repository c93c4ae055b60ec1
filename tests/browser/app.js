// The simulated Slack alone, and an app in it that we write here: it posts, opens forms, and keeps what it hears.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { Process } from './demo.js';

const SIMULATOR = process.env.SIMULATOR ?? fileURLToPath(new URL('../../target/debug/examples/slack', import.meta.url));

export class App {
  static async start() {
    const app = new App();
    app.process = new Process(SIMULATOR, ['0']);
    Object.assign(app, JSON.parse((await app.process.says(/^\{.*/))[0]));
    app.heard = [];
    await app.listen();
    return app;
  }

  // Acknowledges whatever comes.
  async listen() {
    const { url } = await this.call('apps.connections.open', {}, this.app_token);
    this.socket = new WebSocket(url);
    this.socket.on('message', (data) => {
      const frame = JSON.parse(data);
      if (!frame.envelope_id) return;
      this.socket.send(JSON.stringify({ envelope_id: frame.envelope_id }));
      this.heard.push(frame.payload);
    });
    await new Promise((resolve) => this.socket.once('message', resolve));
  }

  async call(method, body, token = this.bot_token) {
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json; charset=utf-8' };
    const answer = await fetch(`${this.api_url}${method}`, { method: 'POST', headers, body: JSON.stringify(body) });
    const told = await answer.json();
    assert.ok(told.ok, `${method}: ${JSON.stringify(told)}`);
    return told;
  }

  async post(message) {
    return (await this.call('chat.postMessage', { channel: 'C0SOC', text: 'an example', ...message })).ts;
  }

  // Opens a form for Ana, who types a command for it.
  async open(blocks) {
    const headers = { 'Content-Type': 'application/json' };
    const act = { user: 'ana', act: 'slash', channel: 'C0SOC', text: '/form' };
    await fetch(`${this.page_url}page/act`, { method: 'POST', headers, body: JSON.stringify(act) });
    const { trigger_id } = await this.hears((payload) => payload.command === '/form');
    const [title, submit] = ['My App', 'Submit'].map((text) => ({ type: 'plain_text', text }));
    await this.call('views.open', { trigger_id, view: { type: 'modal', title, submit, blocks } });
  }

  // The newest payload of which this is so; it is waited for.
  async hears(question) {
    for (let looks = 0; looks < 500; looks += 1) {
      const found = this.heard.findLast(question);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return assert.fail(`the app heard only ${JSON.stringify(this.heard)}`);
  }

  // What was done with these controls, oldest first.
  actions() {
    return this.heard.flatMap((payload) => payload.actions ?? []);
  }

  async end() {
    this.socket.close();
    this.process.child.stdin.end();
    await this.process.ended;
  }
}
