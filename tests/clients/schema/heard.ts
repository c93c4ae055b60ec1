// What Slack may say to an app, in the words of Slack's own types.
import type { BlockAction } from '@slack/bolt';

export type {
  GlobalShortcut,
  MessageShortcut,
  SlashCommand,
  ViewClosedAction,
  ViewSubmitAction,
} from '@slack/bolt';
import type { AppHomeOpenedEvent, GenericMessageEvent, ReactionAddedEvent } from '@slack/types';

export type Click = BlockAction;

interface EventCallback<E> {
  type: 'event_callback';
  token: string;
  team_id: string;
  api_app_id: string;
  event: E;
  event_id: string;
  event_time: number;
  authorizations?: { team_id: string | null; enterprise_id: string | null; user_id: string; is_bot: boolean }[];
}
export type MessageCallback = EventCallback<GenericMessageEvent>;
export type ReactionCallback = EventCallback<ReactionAddedEvent>;
export type HomeCallback = EventCallback<AppHomeOpenedEvent>;
