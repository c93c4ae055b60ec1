// Slack's own examples of Block Kit (block_kit.json says where each is from), posted through the Web API, as a person then sees and uses them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { App } from './app.js';
import { Browser } from './demo.js';

const EXAMPLES = JSON.parse(readFileSync(new URL('block_kit.json', import.meta.url), 'utf8'));
let app, browser, page;

before(async () => {
  [browser, app] = await Promise.all([Browser.start(), App.start()]);
  page = await browser.open(app.page_url);
  await page.goTo('#soc');
});
after(async () => {
  await browser.end();
  await app.end();
});

const lines = async (locator) => (await locator.innerText()).split('\n').map((line) => line.trim()).filter(Boolean);
const all = (locator) => locator.allInnerTexts();
const style = (locator, property) => locator.evaluate((node, name) => getComputedStyle(node)[name], property);
const links = (locator) => locator.getByRole('link').evaluateAll((found) => found.map((a) => [a.innerText, a.getAttribute('href')]));
const options = (select) => select.locator('option').evaluateAll((found) => found.map((option) => option.label));
const chosen = (select) => select.evaluate((field) => field.selectedOptions[0].label);
const newest = async (kind, since) => {
  await app.hears((payload) => payload.actions?.some((action) => action.type === kind) && app.heard.indexOf(payload) >= since);
  return app.actions().at(-1);
};

// What a person sees of each, and what the app hears when they use it.
const SHOWS = {
  'section with text': async (shown) => {
    assert.deepEqual(await all(shown.locator('b')), ['with some bold text']);
    assert.deepEqual(await all(shown.locator('i')), ['some italicized text']);
  },
  'section with fields': async (shown) => {
    const [left, right] = [shown.getByText('High', { exact: true }), shown.getByText('String', { exact: true })];
    const [a, b] = [await left.boundingBox(), await right.boundingBox()];
    assert.ok(a.x < b.x && a.y === b.y, 'side by side');
  },
  'section with a date picker': async (shown, since) => {
    const field = shown.getByLabel('Select a date');
    assert.equal(await field.inputValue(), '1990-04-28');
    await field.fill('2026-02-03');
    assert.equal((await newest('datepicker', since)).selected_date, '2026-02-03');
  },
  divider: (shown) => page.sees(shown.getByRole('separator'), 'a line'),
  header: async (shown) => {
    const header = shown.getByRole('heading', { name: 'Budget Performance' });
    assert.ok(parseFloat(await style(header, 'fontSize')) > parseFloat(await style(shown, 'fontSize')), 'it is larger');
  },
  image: async (shown) => {
    await page.sees(shown.getByRole('img', { name: 'An incredibly cute kitten.' }), 'the picture');
    await page.sees(shown.getByText('Please enjoy this photo of a kitten'), 'its title');
  },
  context: async (shown) => {
    const [picture, words] = [shown.getByRole('img', { name: 'images' }), shown.getByText(/Location:/)];
    const [a, b] = [await picture.boundingBox(), await words.boundingBox()];
    assert.ok(a.height === 20 && a.x < b.x && Math.abs(a.y + a.height / 2 - b.y - b.height / 2) < 4, 'small, in line with the words');
    assert.match(await words.innerText(), /Dogpatch/);
  },
  'actions with a select and a button': async (shown, since) => {
    const select = shown.getByLabel('Which witch is the witchiest witch?');
    assert.deepEqual(await options(select), ['Which witch is the witchiest witch?', 'Matilda', 'Glinda', 'Granny Weatherwax', 'Hermione']);
    await select.selectOption({ label: 'Granny Weatherwax' });
    assert.equal((await newest('static_select', since)).selected_option.value, 'grannyWeatherwax');
    await shown.getByRole('button', { name: 'Cancel' }).click();
    assert.equal((await newest('button', since)).value, 'cancel');
  },
  'actions with a date picker, an overflow menu and a button': async (shown) => {
    await page.sees(shown.getByLabel('Select a date'), 'the date');
    await shown.getByRole('button', { name: 'More actions' }).click();
    assert.deepEqual(await all(shown.getByRole('menuitem')), Array(5).fill('*this is plain_text text*'));
    await page.page.keyboard.press('Escape');
    await page.sees(shown.getByRole('button', { name: 'Click Me' }), 'the button');
  },
  'image beside a section': async (shown) => {
    const [words, picture] = [shown.getByText('This is a section block.'), shown.getByRole('img', { name: 'Multiple cute kittens' })];
    const [a, b] = [await words.boundingBox(), await picture.boundingBox()];
    assert.ok(a.x < b.x && b.width === 88, 'at the right, and no larger than Slack shows it');
  },
  button: async (shown, since) => {
    await shown.getByRole('button', { name: 'Click Me' }).click();
    assert.equal((await newest('button', since)).value, 'click_me_123');
  },
  'button, primary': async (shown) => {
    assert.equal(await style(shown.getByRole('button', { name: 'Save' }), 'backgroundColor'), 'rgb(0, 122, 90)', 'green');
  },
  'button that is a link': async (shown) => {
    const opened = page.page.context().waitForEvent('page');
    await shown.getByRole('button', { name: 'Link Button' }).click();
    const popup = await opened;
    assert.equal(popup.url(), 'https://docs.slack.dev/block-kit/');
    await popup.close();
  },
  'button with a label for screen readers': async (shown) => {
    assert.equal(await shown.getByRole('button', { name: 'This label will be read out by screen readers' }).innerText(), 'Save');
  },
  checkboxes: async (shown, since) => {
    assert.deepEqual([await shown.getByLabel('Checkbox 1').isChecked(), await shown.getByLabel('Checkbox 2').isChecked()], [true, false]);
    await shown.getByLabel('Checkbox 2').check();
    assert.deepEqual((await newest('checkboxes', since)).selected_options.map((option) => option.value), ['A1', 'A2']);
  },
  'radio buttons': async (shown, since) => {
    assert.deepEqual([await shown.getByLabel('Radio 1').isChecked(), await shown.getByLabel('Radio 2').isChecked()], [true, false]);
    await shown.getByLabel('Radio 2').check();
    assert.equal(await shown.getByLabel('Radio 1').isChecked(), false, 'one of them');
    assert.equal((await newest('radio_buttons', since)).selected_option.value, 'A2');
  },
  'select with options': async (shown) => {
    assert.deepEqual(await options(shown.getByLabel('Select an item')), ['Select an item', ...Array(3).fill('*this is plain_text text*')]);
  },
  'select with groups of options': async (shown) => {
    const groups = shown.getByLabel('Select an item').locator('optgroup');
    assert.deepEqual(await groups.evaluateAll((found) => found.map((group) => [group.label, group.children.length])), [['Group 1', 3], ['Group 2', 1]]);
  },
  'select of people': async (shown, since) => {
    const select = shown.getByLabel('Select an item');
    assert.equal(await chosen(select), 'Bea');
    await select.selectOption({ label: 'Lea' });
    assert.equal((await newest('users_select', since)).selected_user, 'U0LEA');
  },
  'overflow menu': async (shown, since) => {
    const opener = shown.getByRole('button', { name: 'More actions' });
    await opener.focus();
    await page.page.keyboard.press('Enter');
    assert.equal(await opener.getAttribute('aria-expanded'), 'true');
    assert.deepEqual(await all(shown.getByRole('menuitem')), Array(5).fill('*this is plain_text text*'));
    const opened = page.page.context().waitForEvent('page');
    await page.page.keyboard.press('End');
    await page.page.keyboard.press('Enter');
    assert.equal((await newest('overflow', since)).selected_option.value, 'value-4');
    const popup = await opened;
    assert.equal(popup.url(), 'https://www.example.com/');
    await popup.close();
  },
  'confirmation dialog': async (shown, since) => {
    const button = shown.getByRole('button', { name: 'Delete' });
    const red = 'rgb(179, 18, 63)';
    assert.equal(await style(button, 'color'), red);
    const ask = page.page.getByRole('dialog', { name: 'some title' });
    await button.click();
    await page.sees(ask.getByText('are you sure?'), 'the question');
    assert.equal(await style(ask.getByRole('button', { name: "I'm really sure" }), 'color'), red);
    await ask.getByRole('button', { name: 'Nevermind' }).click();
    await page.gone(ask, 'the question');
    assert.equal(app.heard.length, since, 'nothing was done');
    await button.click();
    await ask.getByRole('button', { name: "I'm really sure" }).click();
    assert.equal((await newest('button', since)).value, 'delete');
  },
  'rich text sections': async (shown) => {
    assert.deepEqual((await lines(shown)).slice(-4), ['Hello there, I am a basic rich text block!', 'Hello there, I am a bold rich text block!', 'Hello there, I am an italic rich text block!', 'Hello there, I am a strikethrough rich text block!']);
    for (const [tag, words] of [['b', 'I am a bold rich text block!'], ['i', 'I am an italic rich text block!'], ['s', 'I am a strikethrough rich text block!']]) {
      assert.deepEqual(await all(shown.locator(tag)), [words]);
    }
  },
  'rich text quote': async (shown) => {
    const quote = shown.getByRole('blockquote');
    assert.equal(await quote.innerText(), 'What we need is good examples in our documentation.');
    assert.equal(await style(quote, 'borderLeftStyle'), 'solid');
    await page.sees(shown.getByText('Yes - I completely agree, Luke!'), 'what follows');
  },
  'rich text of every kind': async (shown) => {
    for (const [tag, words] of [['b', 'Hey!'], ['s', 'very'], ['code', 'block'], ['i', 'test'], ['u', 'links'], ['blockquote', 'this is very important'], ['pre', 'print("Hello world")']]) {
      assert.deepEqual(await all(shown.locator(tag)), [words], tag);
    }
    const markers = await shown.locator('ol, ul').evaluateAll((lists) => lists.map((list) => [getComputedStyle(list).listStyleType, list.start ?? null, list.children.length]));
    assert.deepEqual(markers, [['decimal', 1, 2], ['lower-alpha', 1, 1], ['lower-roman', 1, 1], ['decimal', 3, 1], ['disc', null, 3]]);
    assert.deepEqual(await all(shown.locator('.mention')), ['@bea', '@blue-team', '#sec']);
    assert.deepEqual(await links(shown), [['Slack website!', 'https://slack.com'], ['#sec', '#C0SEC'], ['Tuesday, August 10th, 2021', 'https://slack.com'], ['Aug 10, 2021', 'https://slack.com']]);
    await page.sees(shown.getByText('2024-07-11 at 11:03 AM'), 'a date in the reader’s zone');
    await page.sees(shown.getByText(/\d+ years ago/), 'how long ago');
  },
  'basic styles': async (shown) => {
    for (const [tag, words] of [['i', 'italic'], ['b', 'bold'], ['s', 'strike']]) assert.deepEqual(await all(shown.locator(tag)), [words]);
  },
  'line breaks': async (shown) => {
    assert.deepEqual((await lines(shown)).slice(-2), ['This is a line of text.', 'And this is another one.']);
  },
  'block quotes': async (shown) => {
    assert.deepEqual(await all(shown.getByRole('blockquote')), ['This is quoted text\nThis is still quoted text'], 'one quotation of two lines');
    assert.deepEqual((await lines(shown)).slice(-4), ['This is unquoted text', 'This is quoted text', 'This is still quoted text', 'This is unquoted text again']);
  },
  'inline code': async (shown) => {
    assert.deepEqual([await all(shown.locator('code')), await shown.locator('b').count()], [['inline *code*'], 0]);
  },
  'code block': async (shown) => {
    assert.deepEqual(await all(shown.locator('pre')), ["This is a code block\nAnd it's multi-line"]);
  },
  list: async (shown) => {
    assert.deepEqual((await lines(shown)).slice(-3), ['• Mihara and New Tideland', '• RaviHyral', '• TranRollinHyfa']);
  },
  links: async (shown) => {
    const docs = 'https://docs.slack.dev/';
    assert.deepEqual(await links(shown), [[docs, docs], [docs, docs], ['This message is a link', docs], ['Email Perihelion', 'mailto:perihelion@univmiharanewtideland.com']]);
  },
  emoji: (shown) => page.sees(shown.getByText("It's Friday 🎉"), 'the emoji'),
  escaped: async (shown) => {
    assert.equal((await lines(shown)).at(-1), '<b>fish & chips</b> &lt;');
  },
  channels: async (shown) => {
    assert.equal((await lines(shown)).at(-1), 'Why not join #sec? Or private channel, or #general?');
    await shown.getByRole('link', { name: '#sec' }).click();
    await page.sees(page.page.getByRole('heading', { name: '#sec', level: 1 }), 'the channel');
    await page.goTo('#soc');
  },
  people: async (shown) => {
    assert.deepEqual(await all(shown.locator('.mention')), ['@bea', '@U012AB3CD']);
  },
  groups: async (shown) => {
    assert.deepEqual(await all(shown.locator('.mention')), ['@blue-team', '@night-shift']);
  },
  everybody: async (shown) => {
    assert.deepEqual(await all(shown.locator('.mention.me')), ['@here', '@channel', '@everyone']);
  },
  dates: async (shown) => {
    assert.deepEqual((await lines(shown)).slice(-5), ['Posted 2014-02-18 9:39:42 AM', 'February 18th, 2014 at 9:39 AM', 'Feb 18, 2014', 'Tuesday, February 18th, 2014', 'the fallback']);
    assert.deepEqual(await links(shown), [['Feb 18, 2014', 'https://example.com/']]);
  },
  'attachment with a color': async (shown) => {
    const bars = shown.locator('.attachment');
    assert.deepEqual([await style(bars.nth(0), 'borderLeftColor'), await style(bars.nth(1), 'borderLeftColor')], ['rgb(242, 199, 68)', 'rgb(46, 184, 134)']);
    await page.sees(bars.nth(0).locator('b', { hasText: 'Alternative hotel options' }), 'its words');
    await page.sees(bars.nth(1).locator('i', { hasText: 'this' }), 'its words');
  },
  inputs: async (form) => {
    assert.deepEqual(await form.getByRole('textbox').count(), 5, 'text, several lines, a date, and text twice');
    assert.equal(await form.locator('input[type="date"]').inputValue(), '1990-04-28');
    const [channels, people] = [form.locator('select:not([multiple])'), form.locator('select[multiple]')];
    assert.deepEqual(await options(channels), ['Select a channel', '#out', '#sec', '#soc']);
    assert.deepEqual(await options(people), ['Ana', 'Bea', 'Lea']);
    assert.equal(await form.getByRole('group', { name: 'Label' }).getByRole('checkbox').count(), 3);
    assert.equal(await form.getByRole('textbox', { description: 'some hint' }).count(), 1, 'the hint belongs to its field');
    await form.getByRole('button', { name: 'Close', exact: true }).click();
    await page.gone(form, 'the form');
  },
  'inputs of the elements that Vigie asks with': async (form, since) => {
    assert.equal(await form.getByLabel('Text', { exact: true }).inputValue(), 'TODO');
    assert.equal(await form.getByLabel('Text', { exact: true }).getAttribute('maxlength'), '10');
    assert.ok(await form.getByRole('group', { name: 'Radio (optional)' }).getByLabel('Radio 1').isChecked());
    assert.equal(await chosen(form.getByLabel('Who')), 'Bea');
    await form.getByRole('button', { name: 'Submit' }).click();
    await page.sees(form.getByText('Please complete this required field.'), 'what is missing');
    await form.getByLabel('Choice').selectOption({ index: 2 });
    await form.getByRole('button', { name: 'Submit' }).click();
    await page.gone(form, 'the form');
    const sent = await app.hears((payload) => payload.type === 'view_submission' && app.heard.indexOf(payload) >= since);
    const { text, radio, choice, who } = sent.view.state.values;
    assert.deepEqual(
      [text.plain_input.value, radio.this_is_an_action_id.selected_option.value, choice.text1234.selected_option.value, Object.values(who)[0].selected_user],
      ['TODO', 'A1', 'value-1', 'U0BEA'],
    );
  },
  'number and checkboxes in a form': async (form, since) => {
    const number = form.getByRole('spinbutton', { name: 'How many' });
    assert.equal(await number.getAttribute('placeholder'), 'From 1 to 9');
    await number.pressSequentially('x4');
    assert.equal(await number.inputValue(), '4', 'letters cannot be typed');
    await form.getByRole('group', { name: 'Which (optional)' }).getByLabel('Checkbox 2').check();
    await number.fill('12');
    await form.getByRole('button', { name: 'Submit' }).click();
    await page.sees(page.page.getByText('12 is not within what is asked for'), 'why it was not sent');
    await number.fill('4');
    await form.getByRole('button', { name: 'Submit' }).click();
    await page.gone(form, 'the form');
    const sent = await app.hears((payload) => payload.type === 'view_submission' && app.heard.indexOf(payload) >= since);
    const { number: { 'number_input-action': how }, boxes: { this_is_an_action_id: which } } = sent.view.state.values;
    assert.deepEqual([how.value, which.selected_options.map((option) => option.value)], ['4', ['A2']]);
  },
};

// What an example itself does that axe takes for a fault.
const UNLIKE = { 'button with a label for screen readers': ['label-content-name-mismatch'] };

// A message on the page, with nothing under the mouse; and how it is found.
async function posted(message) {
  await page.page.mouse.move(600, 2);
  const selector = `[data-key="${await app.post(message)}"]`;
  const shown = page.page.locator(selector);
  await page.sees(shown, 'the message');
  return [shown, selector];
}

test('each example has its test, and each test its example', () => {
  assert.deepEqual(EXAMPLES.map((example) => example.name).sort(), Object.keys(SHOWS).sort());
});

for (const { name, text, blocks, attachments, form } of EXAMPLES) {
  test(name, async () => {
    if (form) {
      await app.open(form);
      const since = app.heard.length;
      await page.sees(page.dialog, 'the form');
      await page.accessible(name);
      await page.within(name, () => SHOWS[name](page.dialog, since));
      return;
    }
    const [shown, message] = await posted({ text, blocks, attachments });
    await page.accessible(name, { within: message, but: UNLIKE[name] });
    await page.within(name, () => SHOWS[name](shown, app.heard.length));
  });
}

test('the App Home has a tab of its own beside the messages', async () => {
  const section = { type: 'section', text: { type: 'mrkdwn', text: 'Welcome home, <@U0ANA|ana>' } };
  const actions = { type: 'actions', elements: [{ type: 'button', action_id: 'home', text: { type: 'plain_text', text: 'Do it' }, value: 'done' }] };
  await app.call('views.publish', { user_id: 'U0ANA', view: { type: 'home', blocks: [section, actions] } });
  await app.call('chat.postMessage', { channel: 'U0ANA', text: 'psst' });
  await page.click(page.page.getByRole('list', { name: 'Direct messages' }).getByRole('button', { name: /1 new$/ }));
  await page.sees(page.message('psst'), 'the message');
  await page.click(page.page.getByRole('tab', { name: 'Home' }));
  await page.sees(page.page.getByText('Welcome home, @ana'), 'the Home');
  await app.hears((payload) => payload.event?.type === 'app_home_opened' && payload.event.tab === 'home');
  await page.accessible('the Home');
  await page.click(page.button('Do it'));
  await app.hears((payload) => payload.view?.type === 'home' && payload.actions?.[0].value === 'done');
  await page.click(page.page.getByRole('tab', { name: 'Messages' }));
  await page.sees(page.message('psst'), 'the message again');
  await page.goTo('#soc');
});

test('hostile text stays text', async () => {
  const script = '<img src=x onerror="window.harmed=true"><script>window.harmed=true</script>';
  const bad = 'javascript:window.harmed=true';
  const text = (type) => ({ type, text: `${script} <${bad}|press me> <data:text/html,x|or me>` });
  const [shown] = await posted({
    text: script,
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: script } },
      { type: 'section', text: text('mrkdwn'), fields: [text('plain_text')] },
      { type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: script }] }] },
      { type: 'actions', elements: [{ type: 'button', action_id: 'b', text: { type: 'plain_text', text: '<b>x</b>' } }] },
    ],
    attachments: [{ color: 'red;position:fixed', fallback: script, blocks: [{ type: 'section', text: text('mrkdwn') }] }],
  });
  assert.ok((await shown.innerText()).includes('<img src=x onerror="window.harmed=true">'), 'it can be read');
  assert.equal(await shown.locator('img, script, a[href^="javascript"], a[href^="data"]').count(), 0);
  await shown.getByText('press me').first().click();
  await page.sees(shown.getByRole('button', { name: '<b>x</b>' }), 'its label as it is');
  assert.equal(await page.page.evaluate(() => window.harmed), undefined);
});
