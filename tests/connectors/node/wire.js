// The wire in a process of its own, driven by lines.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const WIRE = process.env.WIRE ?? fileURLToPath(new URL('../../../target/debug/examples/wire', import.meta.url));

export class Wire {
  constructor() {
    this.process = spawn(WIRE, [], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
    // All that it ever said.
    this.said = '';
  }

  async order(what) {
    this.process.stdin.write(`${JSON.stringify(what)}\n`);
    const { value } = await this.lines.next();
    if (value === undefined) throw new Error('the wire has ended');
    this.said += value;
    return JSON.parse(value).ok;
  }

  connect(connection) {
    return this.order({ connect: connection });
  }

  async get(url) {
    return (await this.order({ get: url, times: 1 }))[0];
  }

  getAtOnce(url, times) {
    return this.order({ get: url, times });
  }

  end() {
    this.process.stdin.end();
  }
}
