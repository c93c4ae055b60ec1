// GitHub's own client, Octokit, against the stand-in for GitHub.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { Octokit } from '@octokit/rest';

const REPOSITORY = { owner: 'example', repo: 'payments' };
const log = { debug() {}, info() {}, warn() {}, error() {} };
let process_, here, octokit;

before(async () => {
  process_ = spawn(process.env.STANDINS, [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: process_.stdout }), 'line');
  here = JSON.parse(line);
  octokit = new Octokit({ auth: here.github.token, baseUrl: here.github.url, log });
});
after(async () => {
  process_.stdin.end();
  assert.deepEqual(await once(process_, 'exit'), [0, null]);
});

const shown = async () => (await (await fetch(`${here.control}/state`)).json()).find((one) => one.name === 'github').state;

test('a leaked key is revoked, and its alert is resolved', async () => {
  const alert = { ...REPOSITORY, alert_number: 7 };
  const { secret } = (await octokit.rest.secretScanning.getAlert(alert)).data;
  const stranger = new Octokit({ baseUrl: here.github.url, log });
  assert.equal((await stranger.rest.credentials.revoke({ credentials: [secret] })).status, 202);
  await octokit.rest.secretScanning.updateAlert({ ...alert, state: 'resolved', resolution: 'revoked' });
  const { data } = await octokit.rest.secretScanning.getAlert(alert);
  assert.deepEqual([data.state, data.resolution, data.validity], ['resolved', 'revoked', 'inactive']);
  assert.equal((await shown()).revoked, 1);
});

test('an issue is written, commented and closed', async () => {
  const { data: issue } = await octokit.rest.issues.create({ ...REPOSITORY, title: 'Rotate the key', labels: ['security'] });
  const one = { ...REPOSITORY, issue_number: issue.number };
  await octokit.rest.issues.createComment({ ...one, body: 'rotated' });
  await octokit.rest.issues.update({ ...one, state: 'closed' });
  const { data: closed } = await octokit.rest.issues.listForRepo({ ...REPOSITORY, state: 'closed' });
  assert.deepEqual(closed.map(({ title, comments }) => [title, comments]), [['Rotate the key', 1]]);
  await assert.rejects(octokit.rest.issues.create({ ...REPOSITORY, title: '' }), { status: 422 });
});

test('somebody leaves the repository and the organisation, and is blocked', async () => {
  assert.equal((await octokit.rest.repos.checkCollaborator({ ...REPOSITORY, username: 'contractor-9' })).status, 204);
  await octokit.rest.repos.removeCollaborator({ ...REPOSITORY, username: 'contractor-9' });
  await assert.rejects(octokit.rest.repos.checkCollaborator({ ...REPOSITORY, username: 'contractor-9' }), { status: 404 });
  await octokit.rest.orgs.removeMembershipForUser({ org: 'example', username: 'jdurand' });
  await assert.rejects(octokit.rest.orgs.getMembershipForUser({ org: 'example', username: 'jdurand' }), { status: 404 });
  await octokit.rest.orgs.blockUser({ org: 'example', username: 'contractor-9' });
  await assert.rejects(octokit.rest.orgs.blockUser({ org: 'example', username: 'contractor-9' }), { status: 422 });
});

test('another token opens nothing', async () => {
  const stranger = new Octokit({ auth: 'x', baseUrl: here.github.url, log });
  await assert.rejects(stranger.rest.users.getAuthenticated(), { status: 401, message: /Bad credentials/ });
});
