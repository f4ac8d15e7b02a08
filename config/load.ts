import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { z } from 'zod';
import { parseDocument } from 'yaml';
import { emptyTree, growTree, isTree, joinPath, layTree, type ConfigFault, type ConfigTree, type ConfigValue } from './config-tree.js';
import { readEnvironment, type Environment } from './environment.js';
import { nearestName } from './nearest-name.js';
import { listChoices, listMembers, listSettings, readSettingText, type Setting } from './schema-shape.js';
import { configSchema, type Config, type ConfigInput } from './schema.js';

export type DeepPartial<T> = T extends readonly unknown[] ? T : T extends object ? { [K in keyof T]?: DeepPartial<T[K]> | undefined } : T;

export interface ConfigSources {
  /** fuserank.yaml; without it only environment, flags and defaults speak. */
  file?: string | undefined;
  env?: Environment;
  flags?: DeepPartial<ConfigInput>;
}

/** Everything that is wrong with a configuration, one fault a line: where, what, and what to write instead. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly faults: readonly ConfigFault[]) {
    super(
      ['The configuration cannot be used:', ...faults.map(({ path, message }) => `  ${path === '' ? '' : `${path}: `}${message}`)].join(
        '\n',
      ),
    );
  }
}

/** Members that must not stand in a readable file; each may be read from the file that `<name>File` names. */
const SECRETS: readonly (readonly [branch: string, member: string])[] = [
  ['opensearch.auth', 'password'],
  ['opensearch.auth', 'token'],
  ['opensearch.auth', 'secretAccessKey'],
  ['opensearch.auth', 'sessionToken'],
  ['server.tokens.*', 'token'],
  ['behaviour', 'erasureKey'],
];

const settings: Setting[] = listSettings(configSchema);
for (const [branch, member] of SECRETS) {
  const secret = settings.find(({ path }) => path.join('.') === `${branch}.${member}`);
  if (secret) settings.push({ path: [...branch.split('.'), `${member}File`], schema: secret.schema });
}

/** The file that a command reads when none is named: `$FUSERANK_CONFIG`, else fuserank.yaml in the folder, else none. */
export function findConfigFile(folder: string, env: Environment = process.env): string | undefined {
  if (env.FUSERANK_CONFIG) return resolve(folder, env.FUSERANK_CONFIG);
  const usual = join(folder, 'fuserank.yaml');
  return existsSync(usual) ? usual : undefined;
}

/**
 * Flag > environment > file > default; a relative secret file is looked for beside the configuration file.
 * Deeply frozen. Throws ConfigError with all faults at once.
 */
export function loadConfig({ file, env = process.env, flags = {} }: ConfigSources = {}): Config {
  const faults: ConfigFault[] = [];
  const written = file === undefined ? emptyTree() : readConfigFile(file, env, faults);
  const fromFile = readSecretFiles(written, file === undefined ? process.cwd() : dirname(resolve(file)), faults);
  const fromEnvironment = readSecretFiles(readEnvironment(env, settings, fromFile, faults), process.cwd(), faults);
  const grownFlags = growTree(flags, '', faults);
  const fromFlags = readSecretFiles(isTree(grownFlags) ? grownFlags : emptyTree(), process.cwd(), faults);
  const parsed = configSchema.safeParse([fromFile, fromEnvironment, fromFlags].reduce(layTree));
  if (!parsed.success) faults.push(...parsed.error.issues.flatMap(describeIssue));
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);
  return freezeDeeply(parsed.data);
}

/**
 * What a command goes by: the file that `--config` names or findConfigFile finds, the environment, and the nodes of `--opensearch`.
 * @throws ConfigError
 */
export function loadCommandConfig({ config, opensearch }: { readonly config?: string; readonly opensearch?: string[] }): Config {
  return loadConfig({
    file: config ?? findConfigFile(process.cwd()),
    flags: opensearch === undefined ? {} : { opensearch: { nodes: opensearch } },
  });
}

function readConfigFile(file: string, env: Environment, faults: ConfigFault[]): ConfigTree {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    faults.push({ path: file, message: `cannot be read (${errorCode(error)}); name an existing file, or none to run on defaults` });
    return emptyTree();
  }
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors.length > 0) {
    faults.push(...document.errors.map((error) => ({ path: file, message: error.message.split('\n')[0] ?? error.message })));
    return emptyTree();
  }
  // Maps, so that a key called __proto__ arrives as a key and is refused.
  const tree = growTree(document.toJS({ mapAsMap: true, maxAliasCount: 100 }), '', faults);
  if (tree === undefined || tree === null) return emptyTree();
  if (!isTree(tree)) {
    faults.push({ path: file, message: 'must be a map of sections, such as "server:"' });
    return emptyTree();
  }
  const filled = fillVariables(tree, [], env, faults);
  return isTree(filled) ? filled : emptyTree();
}

/** `${VAR}` and `${VAR:-default}` inside strings; `$${` is a plain `${`. A scalar that is wholly a variable takes its setting's kind. */
function fillVariables(value: ConfigValue, path: readonly string[], env: Environment, faults: ConfigFault[]): ConfigValue {
  if (Array.isArray(value)) return value.map((element, position) => fillVariables(element, [...path, String(position)], env, faults));
  if (isTree(value)) {
    const filled = emptyTree();
    for (const [key, member] of Object.entries(value)) filled[key] = fillVariables(member, [...path, key], env, faults);
    return filled;
  }
  if (typeof value !== 'string' || !value.includes('${')) return value;
  const text = value.replace(/\$?\$\{([^}]*)\}/g, (whole, inside: string) => {
    if (whole.startsWith('$${')) return whole.slice(1);
    const match = /^([A-Za-z_]\w*)(?::-(.*))?$/s.exec(inside);
    const fallback = match?.[2];
    const given = match?.[1] === undefined ? undefined : env[match[1]];
    if (match === null) faults.push({ path: path.join('.'), message: `"${whole}" is not a variable; write \${NAME} or \${NAME:-default}` });
    else if (given === undefined && fallback === undefined)
      faults.push({ path: path.join('.'), message: `the environment has no ${match[1]}; set it, or write \${${match[1]}:-default}` });
    // Like a shell's `:-`: an empty variable counts as none when there is a default.
    return (given === '' ? fallback : given) ?? fallback ?? '';
  });
  const setting = settings.find(
    ({ path: known }) => known.length === path.length && known.every((key, depth) => key === '*' || key === path[depth]),
  );
  return setting ? readSettingText(setting.schema, text) : text;
}

function readSecretFiles(tree: ConfigTree, folder: string, faults: ConfigFault[]): ConfigTree {
  for (const [pattern, member] of SECRETS) {
    for (const { branch, path: branchPath } of findBranches(tree, pattern.split('.'), [])) {
      const twin = `${member}File`;
      if (!(twin in branch)) continue;
      const path = joinPath(branchPath, twin);
      const file = branch[twin];
      delete branch[twin];
      if (member in branch) faults.push({ path, message: `given beside ${member}; keep one of the two` });
      else if (typeof file !== 'string' || file === '') faults.push({ path, message: 'must be the path of a file' });
      else {
        try {
          branch[member] = readFileSync(resolve(folder, file), 'utf8').replace(/\r?\n$/, '');
        } catch (error) {
          faults.push({ path, message: `${file} cannot be read (${errorCode(error)})` });
          // The missing file is the fault; without a stand-in the schema would report a second one for the same cause.
          branch[member] = STAND_IN;
        }
      }
    }
  }
  return tree;
}

/** Passes every schema of a secret. */
const STAND_IN = 'x'.repeat(32);

/** The maps that a path leads to; `*` stands for each element of a list. */
function findBranches(node: ConfigValue | undefined, [key, ...rest]: readonly string[], walked: readonly string[]): Branch[] {
  if (key === undefined) return isTree(node) ? [{ branch: node, path: walked.join('.') }] : [];
  if (key === '*') {
    return Array.isArray(node) ? node.flatMap((element, place) => findBranches(element, rest, [...walked, String(place)])) : [];
  }
  return isTree(node) ? findBranches(node[key], rest, [...walked, key]) : [];
}

interface Branch {
  readonly branch: ConfigTree;
  readonly path: string;
}

function describeIssue(issue: z.core.$ZodIssue): ConfigFault[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const known = listMembers(configSchema, issue.path);
    return issue.keys.map((key) => {
      const nearest = nearestName(key, known);
      const guess = nearest === null ? `known here: ${known.join(', ')}` : `did you mean ${joinPath(path, nearest)}?`;
      return { path: joinPath(path, key), message: known.length === 0 ? 'unknown key' : `unknown key; ${guess}` };
    });
  }
  if (issue.code === 'invalid_union') {
    const setting = settings.find((known) => known.path.join('.') === path);
    const choices = setting ? listChoices(setting.schema) : [];
    if (choices.length > 0) return [{ path, message: `must be one of ${choices.join(', ')}` }];
    const [form] = issue.errors;
    if (form?.[0])
      return [{ path, message: [...new Set(issue.errors.flatMap((errors) => errors.map(({ message }) => message)))].join(', or: ') }];
  }
  return [{ path, message: issue.message }];
}

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function freezeDeeply<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) freezeDeeply(member);
  }
  return value;
}
