// A tool's connector in a process of its own, driven by lines.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const TOOL = process.env.TOOL ?? fileURLToPath(new URL('../../../target/debug/examples/tool', import.meta.url));

export class Tool {
  // `actions` is then what it can do.
  static async connect(name, connection) {
    const tool = new Tool();
    tool.process = spawn(TOOL, [name], { stdio: ['pipe', 'pipe', 'inherit'] });
    tool.lines = createInterface({ input: tool.process.stdout })[Symbol.asyncIterator]();
    tool.actions = await tool.order(connection);
    return tool;
  }

  async order(what) {
    this.process.stdin.write(`${JSON.stringify(what)}\n`);
    const { value } = await this.lines.next();
    if (value === undefined) throw new Error('the tool has ended');
    return JSON.parse(value);
  }

  call(action, inputs) {
    return this.order({ action, with: inputs });
  }

  end() {
    this.process.stdin.end();
  }
}
