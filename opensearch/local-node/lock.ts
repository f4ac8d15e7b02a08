import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const artefactSchema = z.strictObject({
  group: z.string(),
  artefact: z.string(),
  version: z.string(),
  type: z.enum(['zip', 'jar']),
  sha256,
});

const unpackedSchema = artefactSchema.extend({
  /** Folder below the node's home. */
  into: z.string(),
  /** How many leading folders of each entry's name to drop. */
  strip: z.number().int().min(0),
  /** Name prefixes (after stripping) that nobody needs here: GeoIP data, administrators' tools. */
  leaveOut: z.array(z.string()),
});

const lockSchema = z.strictObject({
  version: z.string(),
  java: z.strictObject({ least: z.number().int(), preferred: z.array(z.number().int()) }),
  /** `group:artefact:version` of the plugin that copies artefacts. */
  mavenPlugin: z.string(),
  node: z.array(unpackedSchema),
  icu: z.array(artefactSchema),
  pythonJdk: z.strictObject({
    package: z.string(),
    version: z.string(),
    /** The Java home inside the unpacked wheel. */
    home: z.string(),
    /** One wheel per platform. */
    sha256: z.record(z.string(), sha256),
  }),
  docker: z.strictObject({ image: z.string() }),
});

/** One file of a Maven repository, pinned by its checksum. */
export type Artefact = z.output<typeof artefactSchema>;
/** What the local node is made of: exact versions and checksums, in artefacts.lock.json. */
export type ArtefactLock = z.output<typeof lockSchema>;

export const LOCK: ArtefactLock = readLock(join(packageRoot, 'opensearch/local-node/artefacts.lock.json'));

/** Reads and checks a lock file. */
export function readLock(file: string): ArtefactLock {
  return lockSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** `opensearch-knn-3.6.0.0.zip` */
export function artefactFile(artefact: Artefact): string {
  return `${artefact.artefact}-${artefact.version}.${artefact.type}`;
}

/** Where a Maven-layout repository keeps it: `org/opensearch/plugin/opensearch-knn/3.6.0.0/opensearch-knn-3.6.0.0.zip`. */
export function artefactPath(artefact: Artefact): string {
  return [...artefact.group.split('.'), artefact.artefact, artefact.version, artefactFile(artefact)].join('/');
}

/** Name of the folder of a node made from exactly these artefacts, so that a raised lock never meets an old folder. */
export function homeFolder(lock: ArtefactLock): string {
  return `opensearch-${lock.version}-${fingerprint(lock.node)}`;
}

/** Name of the folder of exactly these jars of ICU. */
export function icuFolder(lock: ArtefactLock): string {
  return `icu-${fingerprint(lock.icu)}`;
}

function fingerprint(artefacts: readonly Artefact[]): string {
  return createHash('sha256').update(JSON.stringify(artefacts)).digest('hex').slice(0, 8);
}

/** True when the bytes are the ones that were pinned. */
export function isPinned(artefact: Artefact, bytes: Uint8Array): boolean {
  return createHash('sha256').update(bytes).digest('hex') === artefact.sha256;
}
