import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import type { Config } from '../config/schema.js';

/** What a request is signed with. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

type Sigv4 = Extract<Config['opensearch']['auth'], { type: 'sigv4' }>;

/** A file that is renewed is looked at again after this at the latest; temporary credentials outlive their renewal by minutes. */
const LOOK_AGAIN_MS = 5_000;

/** As `aws configure export-credentials` and a `credential_process` write it; the metadata services call the token `Token`. */
const credentialsFile = z.looseObject({
  AccessKeyId: z.string().min(1),
  SecretAccessKey: z.string().min(1),
  SessionToken: z.string().min(1).optional(),
  Token: z.string().min(1).optional(),
});

/**
 * The credentials of the moment: those of the configuration, or of `credentialsFile`, which is read again when it has changed. A file
 * that can't be read later on, half written perhaps, leaves those before in use. Throws at once where it can't be read at all.
 */
export function openAwsCredentials({
  accessKeyId,
  secretAccessKey,
  sessionToken,
  credentialsFile: file,
}: Pick<Sigv4, 'accessKeyId' | 'secretAccessKey' | 'sessionToken' | 'credentialsFile'>): () => AwsCredentials {
  if (file === null) {
    const fixed = {
      accessKeyId: accessKeyId ?? '',
      secretAccessKey: secretAccessKey ?? '',
      ...(sessionToken === null ? {} : { sessionToken }),
    };
    return () => fixed;
  }
  let known = readCredentials(file);
  let lookedAt = Date.now();
  return () => {
    if (Date.now() - lookedAt < LOOK_AGAIN_MS) return known.credentials;
    lookedAt = Date.now();
    try {
      if (versionOf(file) !== known.version) known = readCredentials(file);
    } catch {
      // The next look may find it whole; what is wrong with credentials that have run out, the engine says.
    }
    return known.credentials;
  };
}

function readCredentials(file: string): { credentials: AwsCredentials; version: string } {
  try {
    const version = versionOf(file);
    const { AccessKeyId, SecretAccessKey, SessionToken, Token } = credentialsFile.parse(JSON.parse(readFileSync(file, 'utf8')));
    const sessionToken = SessionToken ?? Token;
    const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey };
    return { credentials: sessionToken === undefined ? credentials : { ...credentials, sessionToken }, version };
  } catch (cause) {
    throw new Error(
      `opensearch.auth.credentialsFile: cannot read credentials from ${file}. Give a JSON file with AccessKeyId, SecretAccessKey and SessionToken, as aws configure export-credentials writes it.`,
      { cause },
    );
  }
}

/** Changes with the file, also where a link leads to another one, as in a mounted secret. */
function versionOf(file: string): string {
  const { ino, mtimeMs, size } = statSync(file);
  return `${ino} ${mtimeMs} ${size}`;
}
