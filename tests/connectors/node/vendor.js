// A vendor that is played by Prism from the vendor's own description, and what it was asked.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';

const PRISM = fileURLToPath(new URL('../node_modules/@stoplight/prism-cli/dist/index.js', import.meta.url));
// Not handed on: the front's own, and GitHub's media type, which its documentation wants and its description does not name.
const OURS = ['host', 'connection', 'content-length', 'accept'];
const METHODS = ['get', 'put', 'post', 'delete', 'patch'];

// Where the description says what an operation's body is: in OpenAPI 3 or, before it, among the parameters.
function body(path, method, { requestBody, parameters = [] }) {
  const at = `#/paths/${path.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D')}/${method}`;
  if (requestBody?.content?.['application/json']) return `${at}/requestBody/content/application~1json/schema`;
  const index = parameters.findIndex((parameter) => parameter.in === 'body');
  return index < 0 ? undefined : `${at}/parameters/${index}/schema`;
}

// The operations of a description: how each is asked, and what may stand in its query.
function operations({ paths }) {
  const found = [];
  for (const [path, methods] of Object.entries(paths)) {
    const parts = path.split('/').map((part) => (part.includes('{') ? null : part));
    for (const method of METHODS.filter((method) => methods[method])) {
      const { operationId: id, parameters = [] } = methods[method];
      const all = [...parameters, ...(methods.parameters ?? [])];
      found.push({ id, method: method.toUpperCase(), parts, parameters: all, body: body(path, method, methods[method]) });
    }
  }
  return found;
}

function fits(operation, method, path) {
  const parts = path.split('/');
  const same = (part, at) => (part === null ? parts[at] !== '' : part === parts[at]);
  return operation.method === method && parts.length === operation.parts.length && operation.parts.every(same);
}

// Atlassian's examples are texts with JSON in them, among others that are none.
function read(example) {
  try {
    return JSON.parse(example);
  } catch {
    return example;
  }
}

function readExamples(inside) {
  for (const [name, value] of Object.entries(inside ?? {})) {
    if (name === 'example' && typeof value === 'string' && /^[[{]/.test(value)) inside[name] = read(value);
    else if (typeof value === 'object') readExamples(value);
  }
}

// Where GitHub says `nullable` beside no type, ajv gives up, and Prism lets every body pass. We send no nulls.
function cutNullable(inside) {
  if (inside?.nullable === true && inside.type === undefined) delete inside.nullable;
  for (const value of Object.values(inside ?? {})) if (typeof value === 'object') cutNullable(value);
}

// Okta's older description has a query in two of its paths.
function cutQueries({ paths }) {
  for (const path of Object.keys(paths).filter((path) => path.includes('?'))) {
    const [bare, query] = path.split('?');
    const [name] = query.split('=');
    for (const operation of Object.values(paths[path])) operation.parameters.push({ name, in: 'query', type: 'string' });
    paths[bare] ??= paths[path];
    delete paths[path];
  }
}

export class Vendor {
  // `token` is what its token service gives, where it has one.
  static async play(file, token) {
    const vendor = new Vendor();
    const description = JSON.parse(readFileSync(file));
    readExamples(description);
    cutNullable(description.paths);
    cutNullable(description.components ?? {});
    cutQueries(description);
    vendor.operations = operations(description);
    // Bodies are looked at here too: where Prism cannot read a schema, it lets everything pass without a word.
    vendor.ajv = new Ajv({ strict: false, validateSchema: false, validateFormats: false, allErrors: true, logger: false });
    vendor.ajv.addSchema(description, 'description');
    vendor.folder = mkdtempSync(join(tmpdir(), 'vigie-'));
    const played = join(vendor.folder, 'description.json');
    writeFileSync(played, JSON.stringify(description));
    vendor.named = (parameter) => {
      const at = parameter.$ref?.split('/').slice(1);
      return at ? at.reduce((inside, name) => inside[name], description) : parameter;
    };
    vendor.heard = [];
    vendor.token = token;
    await vendor.start(played);
    return vendor;
  }

  async start(file) {
    this.front = createServer((request, response) => {
      this.pass(request, response).catch((error) => response.writeHead(500).end(String(error)));
    }).listen(0, '127.0.0.1');
    await once(this.front, 'listening');
    this.url = `http://127.0.0.1:${this.front.address().port}`;
    // Whoever is free now is most likely free in a moment.
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address();
    await new Promise((done) => free.close(done));
    this.prism = `http://127.0.0.1:${port}`;
    this.process = spawn(process.execPath, [PRISM, 'mock', '-p', String(port), file]);
    let said = '';
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (words) => (said += words));
    const ended = once(this.process, 'exit').then(() => Promise.reject(new Error(`Prism has ended: ${said}`)));
    ended.catch(() => {});
    await Promise.race([this.ready(), ended]);
  }

  async ready() {
    for (;;) {
      const answer = await fetch(this.prism).catch(() => undefined);
      if (answer) return;
      await new Promise((done) => setTimeout(done, 200));
    }
  }

  // Hands a request on, and notes what Prism thinks of it.
  async pass(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const operation = this.operations.find((operation) => fits(operation, request.method, pathname));
    const queries = (operation?.parameters ?? []).map(this.named).filter((parameter) => parameter.in === 'query');
    const known = new Set(queries.map((parameter) => parameter.name));
    const note = {
      asked: `${request.method} ${pathname}`,
      operation: operation?.id,
      unknown: [...searchParams.keys()].filter((name) => !known.has(name)),
    };
    this.heard.push(note);
    const answer = await fetch(this.prism + request.url, {
      method: request.method,
      headers: Object.entries(request.headers).filter(([name]) => !OURS.includes(name)),
      body: chunks.length ? Buffer.concat(chunks) : undefined,
      redirect: 'manual',
    });
    const said = await answer.text();
    note.status = answer.status;
    // How the description's own examples break its own rules is not looked at.
    const violations = JSON.parse(answer.headers.get('sl-violations') ?? '[]');
    note.wrong = violations.filter(({ location }) => location[0] === 'request');
    if (!answer.ok) note.wrong.push(said);
    note.wrong.push(...this.wrongIn(operation, Buffer.concat(chunks).toString()));
    const body = this.token && pathname === '/oauth2/token' ? JSON.stringify(this.token) : said;
    response.writeHead(answer.status, { 'Content-Type': answer.headers.get('content-type') ?? 'text/plain' });
    response.end(answer.status === 204 ? undefined : body);
  }

  // What of a body is not as the description has it; a body that it does not speak of is not looked at.
  wrongIn(operation, body) {
    if (!operation?.body) return body === '' || operation?.parameters.some(({ in: place }) => place === 'formData') ? [] : [`a body: ${body}`];
    const checked = this.ajv.compile({ $ref: `description${operation.body}` });
    return checked(JSON.parse(body || 'null')) || body === '' ? [] : checked.errors;
  }

  end() {
    this.front.close();
    this.process.kill();
    rmSync(this.folder, { recursive: true });
  }
}
