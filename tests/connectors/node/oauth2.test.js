// oauth2-mock-server: the tokens that the wire fetches are asked for as the RFC has it, and are good where somebody else looks.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { afterEach, beforeEach, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { Events, OAuth2Server } from 'oauth2-mock-server';
import { Wire } from './wire.js';

// What a form or a header must not mistake for its own signs.
const CLIENT = { client_id: 'soc:bot', client_secret: 'p&ss=w+rd%/é', scope: 'hosts:read hosts:write' };

let server, api, wire, asked, refused, tokens, lasts;

// An API that takes what the server has signed, and says whose it is.
async function answer(request, response) {
  const token = request.headers.authorization?.replace(/^Bearer /, '');
  try {
    if (refused.has(token)) throw new Error('revoked');
    const keys = createRemoteJWKSet(new URL(`${server.issuer.url}/jwks`));
    const { payload } = await jwtVerify(token, keys, { issuer: server.issuer.url });
    tokens.add(token);
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ scope: payload.scope, number: payload.number, heard: request.headers }));
  } catch (error) {
    response.writeHead(401).end(String(error));
  }
}

// The server lets everybody in; a real one looks at the client first (RFC 6749, 2.3.1).
function client(request) {
  const basic = request.headers.authorization?.match(/^Basic (.+)$/)?.[1];
  if (!basic) return { id: request.body.client_id, secret: request.body.client_secret, how: 'body' };
  const [id, secret] = Buffer.from(basic, 'base64').toString().split(':').map(decodeURIComponent);
  return { id, secret, how: 'basic' };
}

beforeEach(async () => {
  [asked, refused, tokens, lasts] = [[], new Set(), new Set(), 3600];
  server = new OAuth2Server();
  await server.issuer.keys.generate('RS256');
  await server.start(0, '127.0.0.1');
  // No two tokens are alike, also within one second.
  server.service.on(Events.BeforeTokenSigning, (token) => Object.assign(token.payload, { number: asked.length }));
  server.service.on(Events.BeforeResponse, (response, request) => {
    const who = client(request);
    asked.push({ ...who, grant: request.body.grant_type, scope: request.body.scope });
    response.body.expires_in = lasts;
    if (who.id === CLIENT.client_id && who.secret === CLIENT.client_secret) return;
    response.statusCode = 401;
    response.body = { error: 'invalid_client', error_description: `no client with ${who.secret}` };
  });
  api = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((done) => api.once('listening', done));
  wire = new Wire();
});
afterEach(async () => {
  wire.end();
  api.close();
  await server.stop();
});

const here = () => `http://127.0.0.1:${api.address().port}/hosts`;

const connect = (client_auth, more = {}) => {
  const { port } = server.address();
  return wire.connect({ token_url: `http://127.0.0.1:${port}/token`, ...CLIENT, client_auth, ...more });
};

const pass = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

for (const how of ['body', 'basic']) {
  test(`a client that shows itself in the ${how} gets a token that verifies`, async () => {
    await connect(how);
    const { status, body } = await wire.get(here());
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.scope, CLIENT.scope);
    const { client_id: id, client_secret: secret, scope } = CLIENT;
    assert.deepEqual(asked, [{ id, secret, how, grant: 'client_credentials', scope }]);
  });
}

test('many requests at once share one token', async () => {
  await connect('body');
  const answers = await wire.getAtOnce(here(), 40);
  assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200]));
  assert.equal(asked.length, 1);
});

test('a token is fetched anew shortly before its end, and not sooner', async () => {
  lasts = 2;
  await connect('body');
  await wire.get(here());
  await wire.get(here());
  assert.equal(asked.length, 1);
  await pass(1.9);
  assert.equal((await wire.get(here())).body.number, 1);
  assert.equal(asked.length, 2);
});

test('a token that was revoked is fetched anew, once', async () => {
  await connect('basic');
  await wire.get(here());
  for (const token of tokens) refused.add(token);
  const answers = await wire.getAtOnce(here(), 10);
  assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200]));
  assert.equal(asked.length, 2);
});

test('a client that is refused is told so, and the tool hears nothing', async () => {
  await connect('body', { client_secret: 'another-secret' });
  const { error, may_have_left } = await wire.get(here());
  assert.match(error, /does not take our credentials \(401: invalid_client: no client with \[redacted\]\)/);
  assert.equal(may_have_left, false);
  assert.equal(tokens.size, 0);
});

test('neither the secret nor a token is ever said', async () => {
  await connect('basic');
  const { body } = await wire.get(here());
  assert.equal(body.heard.authorization, 'Bearer [redacted]');
  for (const token of tokens) assert.ok(!wire.said.includes(token));
  assert.ok(!wire.said.includes(CLIENT.client_secret));
});
