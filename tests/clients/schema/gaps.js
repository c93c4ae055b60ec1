// Where Slack's types say less than Slack's pages: each gap takes away what the types do not know, and names the page that does.
const GAPS = [
  {
    why: 'The types take an object or a list of objects in `event_payload`; the page calls it free-form. Ours is a list of ids.',
    page: 'https://docs.slack.dev/messaging/message-metadata',
    without: ({ metadata, ...body }) => {
      const ids = metadata?.event_payload?.ids;
      const known = Array.isArray(ids) && ids.every((id) => typeof id === 'string');
      return { ...body, metadata: known ? { ...metadata, event_payload: {} } : metadata };
    },
  },
  {
    why: 'Made strict, the types take blocks or attachments; a message may have both. The attachments are held against their own type.',
    page: 'https://docs.slack.dev/reference/methods/chat.postMessage',
    without: ({ attachments, ...body }) => (body.blocks ? body : { ...body, attachments }),
  },
];

// A message as the types know one; what is not there stays out.
export function asTyped(body) {
  const typed = GAPS.reduce((value, gap) => gap.without(value), body);
  return JSON.parse(JSON.stringify(typed));
}
