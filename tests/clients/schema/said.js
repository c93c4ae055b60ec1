// What a line of a story's file (`tests/it/world/said.rs`) must be, by its method.
import { asTyped } from './gaps.js';
import { schemas } from './types.js';

const schema = schemas('said.ts', { additionalProperties: false });
const [blocks, attachments, modal] = ['Blocks', 'Attachments', 'Modal'].map(schema);

const optional = (check, value) => (value === undefined ? [] : check(value));

function message(type) {
  const whole = schema(type);
  return (body) => [...whole(asTyped(body)), ...optional(blocks, body.blocks), ...optional(attachments, body.attachments)];
}

function view(type) {
  const whole = schema(type);
  return (body) => [...whole(body), ...optional(modal, body.view)];
}

const KINDS = {
  'chat.postMessage': message('PostMessage'),
  'chat.update': message('Update'),
  'chat.postEphemeral': message('PostEphemeral'),
  'views.open': view('ViewsOpen'),
  response_url: message('Respond'),
  'ack of a command': message('Respond'),
  'ack of a form': view('FormAck'),
};
// These show nothing to anybody.
const SILENT = /^(apps|auth|bots|conversations|dnd|team|usergroups|users)\./;

// What is wrong with one call or acknowledgement; null where its method shows nothing.
export function faults({ said, body }) {
  const check = KINDS[said];
  if (check) return check(body);
  return SILENT.test(said) ? null : [`no type for ${said}`];
}
