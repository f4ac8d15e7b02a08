import type { IndexBody } from './product-index.js';

/** Field paths of a UBI 1.3 event, as `ubi_events` stores them. */
export const EVENT = {
  application: 'application',
  actionName: 'action_name',
  timestamp: 'timestamp',
  queryId: 'query_id',
  userId: 'user_id',
  clientId: 'client_id',
  sessionId: 'session_id',
  userQuery: 'user_query',
  messageType: 'message_type',
  message: 'message',
  attributes: 'event_attributes',
  objectId: 'event_attributes.object.object_id',
  objectIdField: 'event_attributes.object.object_id_field',
  ordinal: 'event_attributes.position.ordinal',
} as const;

/** Where else a record may name its user: UBI lets attributes hold what the schema has no place for. */
export const ATTRIBUTES = ['event_attributes', 'query_attributes'] as const;

/** Member of a mapping's `_meta` that says an index of behaviour was made by us. */
const STAMP = 'fuserank_behaviour';

/** Whether a mapping is of an index that we made: its expired documents are ours to delete. */
export function isOwnBehaviourIndex(meta: unknown): boolean {
  return typeof meta === 'object' && meta !== null && STAMP in meta;
}

const keyword = (ignoreAbove: number): Record<string, unknown> => ({ type: 'keyword', ignore_above: ignoreAbove });
/** The plugin's own mapping takes strict_date_time only and silently drops what lacks a fraction or a zone; ours reads both and plain numbers. */
const timestamp = { type: 'date', format: 'strict_date_optional_time||epoch_millis', ignore_malformed: true };

/** The three keys a user can have; the plugin's mapping lacks user_id and session_id, without which no history can be found. */
const userKeys = { user_id: keyword(256), client_id: keyword(256), session_id: keyword(256) };

/** Said, not left to the default: a shard that nobody searched for a while would else wait for a search before it shows anything. */
const settings = { index: { number_of_shards: 1, auto_expand_replicas: '0-2', refresh_interval: '1s' } };
const _meta = { [STAMP]: { version: 1 } };

/** Body of `ubi_events`: the mapping of the UBI plugin (user-behavior-insights, schema 1.3), plus the user's keys. */
export function eventsIndexBody(): IndexBody {
  return {
    settings,
    mappings: {
      _meta,
      properties: {
        application: keyword(256),
        action_name: keyword(100),
        ...userKeys,
        query_id: keyword(100),
        user_query: keyword(1024),
        message_type: keyword(100),
        message: keyword(1024),
        timestamp,
        event_attributes: {
          dynamic: true,
          properties: {
            position: {
              properties: {
                ordinal: { type: 'integer' },
                x: { type: 'integer' },
                y: { type: 'integer' },
                xy: { properties: { x: { type: 'integer' }, y: { type: 'integer' } } },
                page_depth: { type: 'integer' },
                scroll_depth: { type: 'integer' },
                trail: { type: 'text', fields: { keyword: keyword(256) } },
              },
            },
            object: {
              properties: {
                internal_id: keyword(256),
                object_id: keyword(256),
                object_id_type: keyword(100),
                object_id_field: keyword(100),
                name: keyword(256),
                description: { type: 'text', fields: { keyword: keyword(256) } },
                object_detail: { type: 'object' },
              },
            },
          },
        },
      },
    },
  };
}

/** Body of `ubi_queries`: the mapping of the UBI plugin, plus the user's keys. */
export function queriesIndexBody(): IndexBody {
  return {
    settings,
    mappings: {
      _meta,
      dynamic: false,
      properties: {
        application: keyword(100),
        ...userKeys,
        timestamp,
        query_id: keyword(100),
        query: { type: 'text' },
        user_query: keyword(1024),
        query_response_id: keyword(100),
        query_response_hit_ids: keyword(256),
        query_attributes: { type: 'flat_object' },
      },
    },
  };
}
