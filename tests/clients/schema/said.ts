// What Vigie may say to Slack, in the words of Slack's own types. `check.js` makes a JSON Schema of each.
import type { RespondArguments, ViewResponseAction } from '@slack/bolt';
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
export type Respond = RespondArguments;
export type FormAck = ViewResponseAction;

// The types of a call also take a block of any name (`Block`): these do not.
export type Blocks = KnownBlock[];
export type Attachments = MessageAttachment[];
export type Modal = ModalView;
