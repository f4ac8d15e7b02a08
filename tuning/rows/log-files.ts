import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { COLUMN_NAMES, FEATURE_SET_HASH } from '../../models/feature-set.js';
import { loggedListSchema, type LoggedList } from '../../sidecar/index.js';
import { InputInvalid, openLines } from '../formats/input-lines.js';
import { parseJsonOrUndefined } from '../formats/json-document.js';

/** A list of the log, and where it stood. */
export interface LogLine {
  readonly file: string;
  readonly line: number;
  readonly list: LoggedList;
}

const LOG_NAME = /^fuserank-log-.*\.ndjson(\.gz)?$/;

/** The log's files, by name and so by hour: those named, and those inside the folders named. @throws InputInvalid */
export async function findLogFiles(paths: readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => null);
    if (!found) throw new InputInvalid(`${path}: no such file or folder; name the folder of observability.featureLog, or its files`);
    if (!found.isDirectory()) files.push(path);
    else
      files.push(
        ...(await readdir(path))
          .filter((name) => LOG_NAME.test(name))
          .sort()
          .map((name) => join(path, name)),
      );
  }
  if (files.length === 0)
    throw new InputInvalid(`${paths.join(', ')}: no fuserank-log-*.ndjson in it; is it the folder of observability.featureLog?`);
  return files;
}

/**
 * Lists of a log in their order, a line in memory at a time. A last line without its end is what a crash leaves: it is
 * told and left out. @throws InputInvalid for any other line that is no list of this version's feature set
 */
export async function* readLogFiles(files: readonly string[], tell: (note: string) => void): AsyncGenerator<LogLine> {
  for (const file of files) {
    let held: { line: number; text: string } | null = null;
    for await (const next of openLines(file)) {
      if (held) yield { file, line: held.line, list: readList(held.text, `${file} line ${held.line}`) };
      held = next.text.trim() === '' ? null : next;
    }
    if (!held) continue;
    if (parseJsonOrUndefined(held.text) === undefined) tell(`${file} line ${held.line} breaks off, as a crash leaves it; it is left out`);
    else yield { file, line: held.line, list: readList(held.text, `${file} line ${held.line}`) };
  }
}

function readList(text: string, place: string): LoggedList {
  const value = parseJsonOrUndefined(text);
  if (value === undefined) throw new InputInvalid(`${place}: not JSON; is the file whole? Take the line out, or leave the file out`);
  const parsed = loggedListSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new InputInvalid(
      `${place}: no list of a feature log (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}); name the log's own files`,
    );
  }
  const list = parsed.data;
  const width = COLUMN_NAMES.length;
  if (list.feature_set !== FEATURE_SET_HASH || list.columns.some((name, column) => name !== COLUMN_NAMES[column])) {
    throw new InputInvalid(
      `${place}: logged with feature set ${list.feature_set.slice(0, 8)} of ${list.columns.length} columns, while this version computes ` +
        `${FEATURE_SET_HASH.slice(0, 8)} of ${width}; export it with the version that logged it, or leave the file out`,
    );
  }
  const short = list.candidates.find(({ columns }) => columns.length !== width);
  if (short) throw new InputInvalid(`${place}: ${short.id} has ${short.columns.length} values for ${width} columns; take the line out`);
  return list;
}
