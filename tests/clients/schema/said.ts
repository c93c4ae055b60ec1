// What Vigie may say to Slack, in the words of Slack's own types. `check.js` makes a JSON Schema of each.
import type { ViewResponseAction } from '@slack/bolt';
import type { KnownBlock, MessageAttachment, ModalView } from '@slack/types';
import type {
  ChatPostEphemeralArguments,
  ChatPostMessageArguments,
  ChatUpdateArguments,
  ViewsOpenArguments,
} from '@slack/web-api';

export type PostMessage = ChatPostMessageArguments;
export type Update = ChatUpdateArguments;
export type PostEphemeral = ChatPostEphemeralArguments;
export type ViewsOpen = ViewsOpenArguments;
export type FormAck = ViewResponseAction;

// The types of a call also take a block of any name (`Block`): these do not.
export type Blocks = KnownBlock[];
export type Attachments = MessageAttachment[];
export type Modal = ModalView;

// Bolt's `RespondArguments` says the same, but by a mapped type over a union, of which the schema keeps no member with blocks.
// (docs.slack.dev/interactivity/handling-user-interaction, "Using the response_url")
export interface Respond {
  text?: string;
  blocks?: KnownBlock[];
  attachments?: MessageAttachment[];
  thread_ts?: string;
  response_type?: 'in_channel' | 'ephemeral';
  replace_original?: boolean;
  delete_original?: boolean;
}
