// Each action of each tool, as it really leaves, held against the vendor's own description: the path is there, the operation
// has the name that the connector says, nothing stands in the query that is not known, and Prism takes body and parameters.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Tool } from './tool.js';
import { TOOLS } from './tools.js';
import { Vendor } from './vendor.js';

const file = (path) => fileURLToPath(new URL(path, import.meta.url));

for (const [name, played] of Object.entries(TOOLS)) {
  describe(name, () => {
    let vendor, tool;

    before(async () => {
      vendor = await Vendor.play(file(played.description), played.token);
      tool = await Tool.connect(name, { plain: { base_url: vendor.url, ...played.plain }, secrets: played.secrets });
    });
    after(() => {
      tool?.end();
      vendor?.end();
    });

    test('every action has a sample', () => {
      const actions = Object.keys(tool.actions).filter((action) => action !== 'request');
      assert.deepEqual(Object.keys(played.samples).sort(), actions.sort());
    });

    for (const [action, inputs] of Object.entries(played.samples)) {
      test(action, async () => {
        vendor.heard = [];
        const called = await tool.call(action, inputs);
        const words = JSON.stringify({ called, heard: vendor.heard }, null, 1);
        const asked = vendor.heard.filter(({ asked }) => asked !== 'POST /oauth2/token');
        assert.ok(asked.length > 0, `nothing was asked: ${words}`);
        const { nothing, operation = tool.actions[action].operation, query = [] } = played.older[action] ?? {};
        for (const request of nothing ? [] : asked) {
          assert.ok(operation.split(', ').includes(request.operation), `${request.asked} is ${request.operation}: ${words}`);
          assert.deepEqual(request.unknown.filter((name) => !query.includes(name)), [], words);
          assert.deepEqual(request.wrong, [], words);
        }
        if (played.unreadable !== 'all' && !played.unreadable.includes(action)) assert.ok(called.answered, words);
      });
    }
  });
}
