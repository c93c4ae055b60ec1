// What a lead and an analyst do about an alert: plan, approve, contain, take back, and answer what nobody can know.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Browser, Demo, chapters } from './demo.js';

let demo, browser, page;

before(async () => {
  browser = await Browser.start();
  demo = await Demo.start();
  page = await browser.open(demo.url);
});
after(async () => {
  await browser.end();
  assert.equal(await demo.end(), 0, 'Ctrl-C is no failure');
});

const chapter = chapters();

const CRITICAL = 'Credential dump';
const HOST = 'fin-laptop-12';
const alert = () => page.message(CRITICAL);
const said = async (locator) => (await locator.innerText()).replace(/\s+/g, ' ').trim();
// The question that Slack asks before a press counts.
const sure = (title) => page.page.getByRole('dialog', { name: title });
// A run's message in the thread that is open.
const run = (title) => page.thread.getByRole('article').filter({ hasText: `${title} · started by` });

async function openThread() {
  await page.click(alert().getByRole('button', { name: /repl(y|ies)/ }), 'the thread');
}

// Waits until the stand-in shows it; the row of what bears this name.
async function standsIn(tool, list, name, reads) {
  const row = page.tools.locator(`#tool-${tool} [data-list="${list}"]`).getByRole('row').filter({ hasText: name });
  await page.reads(row, reads, `the stand-in ${tool}`);
}

// What playbooks can be started for this alert: buttons, and behind the second menu.
async function offered(message) {
  const row = message.locator('.actions').nth(1);
  const buttons = await row.locator(':scope > button').allInnerTexts();
  const menu = row.getByRole('button', { name: 'More actions' });
  if (!(await menu.count())) return buttons;
  await page.click(menu);
  const more = await row.getByRole('menuitem').allInnerTexts();
  await page.page.keyboard.press('Escape');
  return [...buttons, ...more.map((label) => `${label}…`)];
}

chapter('after the first chapter the prompt leads to a playbook', async () => {
  await page.click(page.button('Acknowledge', alert()));
  await page.reads(page.prompt, 'Now be Dave', 'the prompt');
  await page.become('Dave Okoro');
  await page.click(page.button('Isolate a host…', alert()));
  await page.sees(page.message('Your roles do not allow this.'), 'that Dave is refused');
  await page.become('Alice Martin');
  await page.reads(page.prompt, 'resolve the alert', 'the prompt');
  await page.click(page.button('Resolve…', alert()));
  await page.dialog.getByLabel('What was it?').selectOption({ label: 'True positive · A real threat' });
  await page.dialog.getByLabel('Note (required for this severity)').fill('An intruder; it goes on below.');
  await page.click(page.button('Resolve', page.dialog));
  await page.reads(page.prompt, 'press “Isolate a host…”', 'the prompt');
});

chapter('each of the six playbooks is offered where it fits', async () => {
  const [look, isolate, ticket] = ['Look up hosts and users…', 'Isolate a host…', 'Open a ticket…'];
  const [lift, suspend, revoke] = ['Lift a host\'s isolation…', 'Suspend a user…', 'Revoke a leaked secret…'];
  assert.deepEqual(await offered(alert()), [look, isolate, ticket, lift, suspend]);
  await page.goTo('#soc-alerts');
  await page.sees(page.message('A token of GitHub'), 'the leaked secret');
  assert.deepEqual(await offered(page.message('A token of GitHub')), [ticket, revoke]);
  assert.deepEqual(await offered(page.message('Impossible travel')), [look, ticket, suspend]);
  await page.goTo('#soc-critical');
});

chapter('Alice plans by keyboard alone, and reads what will be done before anything is', async () => {
  await page.button('Isolate a host…', alert()).focus();
  await page.page.keyboard.press('Enter');
  await page.sees(page.page.getByRole('dialog', { name: 'Isolate a host' }), 'the form');
  assert.equal(await page.dialog.getByLabel('Which host?').inputValue(), HOST, 'the only one is chosen');
  await page.page.keyboard.press('Tab');
  await page.page.keyboard.type('It dumps credentials');
  await page.page.keyboard.press('Tab');
  await page.page.keyboard.press('Tab');
  await page.page.keyboard.press('Enter');
  await page.sees(page.page.getByRole('dialog', { name: 'What will be done' }), 'the plan');
  const plan = await said(page.dialog);
  for (const part of ['reason: It dumps credentials', `hostname: ${HOST}`, 'Take a host off the network', '💥 destructive', 'can be undone by', 'It waits for 1 approval by lead (not yours)']) {
    assert.ok(plan.includes(part), `${part} is not in the plan: ${plan}`);
  }
  await page.is('plan');
  await page.click(page.button('Ask for approval', page.dialog));
  await page.gone(page.dialog, 'the plan');
  await page.reads(page.prompt, 'Be Carla, the lead', 'the prompt');
});

chapter('nobody approves their own, and Slack asks once more before a press counts', async () => {
  await openThread();
  await page.reads(run('Isolate a host'), 'Waits for 1 approval', 'the run');
  await page.click(page.button('Approve', run('Isolate a host')));
  const question = sure('Approve this?');
  await page.reads(question, `Isolate a host: ${HOST}`, 'the question');
  await page.click(page.button('Cancel', question));
  await page.gone(question, 'the question');
  assert.equal(await page.message('It takes the role lead').count(), 0, 'nothing was sent');
  await page.click(page.button('Approve', run('Isolate a host')));
  await page.click(page.button('Approve', question));
  await page.sees(page.message('It takes the role lead'), 'that Alice is refused');
  await page.reads(run('Isolate a host'), 'Waits for 1 approval', 'the run');
});

chapter('Carla, the lead, was told, approves, and the stand-in EDR cuts the host off', async () => {
  await page.become('Carla Rossi');
  await page.sees(page.page.getByRole('list', { name: 'Direct messages' }).getByRole('button', { name: /1 new$/ }), 'Carla’s unread mark');
  await openThread();
  await page.is('approval');
  await page.click(page.button('Approve', run('Isolate a host')));
  await page.is('approve');
  await page.click(page.button('Approve', sure('Approve this?')));
  await page.reads(run('Isolate a host'), 'Approved by @carla. Done.', 'the run');
  await page.sees(page.thread.getByText(`${HOST} is off the network. Why: It dumps credentials`), 'what is said of it');
  await page.click(page.button(/^Stand-ins/));
  await standsIn('edr', 'hosts', HOST, 'contained');
  await page.is('contained');
  await page.click(page.button('Close'));
});

chapter('what was done is taken back, by a plan of its own', async () => {
  await openThread();
  await page.click(page.button('Undo…', run('Isolate a host')));
  await page.reads(page.dialog, 'Let a contained host back onto the network', 'the plan');
  await page.click(page.button('Run', page.dialog));
  await page.reads(run('Undo: Isolate a host'), 'Done.', 'the run');
  await page.click(page.button(/^Stand-ins/));
  await standsIn('edr', 'hosts', HOST, 'normal');
});

chapter('a crash in the middle: the bot does not guess, it asks', async () => {
  await page.become('Alice Martin');
  await page.reads(page.prompt, 'a crash in the middle', 'the prompt');
  const hold = page.button('Hold Jira’s next answer', page.tools);
  await page.click(hold);
  await page.within('the wish is not heard', () => page.tools.locator('#tool-jira .hold[aria-pressed="true"]').waitFor());
  await page.click(page.button('Open a ticket…', alert()));
  await page.dialog.getByLabel('The project').fill('SEC');
  await page.click(page.button('Next', page.dialog));
  await page.click(page.button('Run', page.dialog));
  await standsIn('jira', 'tickets', 'SEC-1', CRITICAL);
  await page.click(page.button('Crash the bot', page.tools));
  await page.reads(page.tools.locator('#crashed'), 'It died where it stood', 'what became of it');
  await page.reads(page.prompt, 'Was the ticket opened?', 'the prompt');
  await openThread();
  await page.reads(run('Open a ticket'), '“Open a ticket” may or may not have happened: I died before the answer came.', 'the question');
  await page.is('question');
});

chapter('once more may be twice, and only a person’s word goes on', async () => {
  await page.click(page.button('Run again', run('Open a ticket')));
  await page.reads(sure('Run it again?'), 'it happens twice', 'the question');
  await page.page.keyboard.press('Escape');
  await page.gone(sure('Run it again?'), 'the question');
  await page.reads(run('Open a ticket'), 'may or may not have happened', 'the run');
  await page.click(page.button('It happened', run('Open a ticket')));
  await page.reads(run('Open a ticket'), /Done\..*somebody says that it happened/s, 'the run');
  await page.reads(page.prompt, 'Opened once', 'the prompt');
  await page.click(page.button(/^Stand-ins/));
  const tickets = page.tools.locator('#tool-jira [data-list="tickets"] tbody tr');
  await page.sees(tickets, 'the ticket');
  assert.equal(await tickets.count(), 1, 'once');
  await page.click(page.button('Close'));
});

chapter('what is looked up is said in the thread', async () => {
  await page.click(page.button('Look up hosts and users…', alert()));
  await page.click(page.button('Run', page.dialog));
  await openThread();
  await page.sees(page.thread.getByText(`${HOST}: Windows 11`), 'the host');
  await page.sees(page.thread.getByText('Marc Leroy (m.leroy@example.com): ACTIVE'), 'the user');
  await page.is('looked-up');
});

chapter('a user is suspended and signed out, and the stand-in IAM shows it', async () => {
  const row = alert().locator('.actions').nth(1);
  await page.click(row.getByRole('button', { name: 'More actions' }));
  await page.click(row.getByRole('menuitem', { name: 'Suspend a user' }));
  await page.dialog.getByLabel('Why').fill('The account dumps credentials');
  await page.click(page.button('Next', page.dialog));
  await page.click(page.button('Ask for approval', page.dialog));
  await page.gone(page.dialog, 'the plan');
  await page.become('Carla Rossi');
  await openThread();
  await page.click(page.button('Approve', run('Suspend a user')));
  await page.click(page.button('Approve', sure('Approve this?')));
  await page.reads(run('Suspend a user'), 'Approved by @carla. Done.', 'the run');
  await page.click(page.button(/^Stand-ins/));
  await standsIn('iam', 'users', 'm.leroy@example.com', 'SUSPENDED');
  await page.is('suspended');
});
