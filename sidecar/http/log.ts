import { createHash, randomBytes } from 'node:crypto';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Config } from '../../config/schema.js';

export type { Logger } from 'pino';

const SECRETS = ['authorization', 'cookie', 'set-cookie', 'proxy-authorization', 'x-api-key', 'password', 'token'];
const REDACTED = SECRETS.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);

/** Opens the log on standard error. What people search for, and who they are, is never written at info. */
export function openLog(config: Config['observability']['log'], destination: DestinationStream = process.stderr): Logger {
  const target = config.format === 'json' ? destination : { write: (line: string) => destination.write(prettyLine(line)) };
  return pino(
    {
      level: config.level,
      base: null,
      redact: { paths: REDACTED, censor: '[redacted]' },
      formatters: { level: (label) => ({ level: label }) },
    },
    target,
  );
}

/** A user's id as a log may hold it: the same within one process, meaningless outside it. */
export function hashUserId(id: string): string {
  return createHash('sha256').update(salt).update(id).digest('hex').slice(0, 12);
}
const salt = randomBytes(16);

/** One JSON line → `12:00:00 info  words  key=value`. */
export function prettyLine(line: string): string {
  const { level, time, msg, ...rest } = readLine(line);
  const clock = new Date(typeof time === 'number' ? time : 0).toISOString().slice(11, 19);
  const members = Object.entries(rest).map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return `${[clock, String(level).padEnd(5), typeof msg === 'string' ? msg : '', ...members].filter((part) => part !== '').join(' ')}\n`;
}

function readLine(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
