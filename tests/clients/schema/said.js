// What a line of a story's file (`tests/it/world/said.rs`) must be, by its method.
import { GAPS } from './gaps.js';
import { schemas } from './types.js';

const schema = schemas('said.ts', { additionalProperties: false });
const [blocks, attachments, modal] = ['Blocks', 'Attachments', 'Modal'].map(schema);

const optional = (check, value) => (value === undefined ? [] : check(value));
const message = (body) => [...optional(blocks, body.blocks), ...optional(attachments, body.attachments)];

const KINDS = {
  'chat.postMessage': [schema('PostMessage'), message],
  'chat.update': [schema('Update'), message],
  'chat.postEphemeral': [schema('PostEphemeral'), message],
  'views.open': [schema('ViewsOpen'), (body) => modal(body.view)],
  response_url: [schema('Respond'), message],
  'ack of a command': [schema('Respond'), message],
  'ack of a form': [schema('FormAck'), (body) => optional(modal, body.view)],
};
// These show nothing to anybody.
const SILENT = /^(apps|auth|bots|conversations|dnd|team|usergroups|users)\./;

// What is wrong with one call or acknowledgement; null where its method shows nothing.
export function faults({ said, body }) {
  const checks = KINDS[said];
  if (checks) return checks.flatMap((check) => check(body)).filter((fault) => !GAPS.some(({ fault: gap }) => gap.test(fault)));
  return SILENT.test(said) ? null : [`no type for ${said}`];
}
