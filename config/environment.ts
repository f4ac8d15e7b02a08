import { emptyTree, isTree, plantLeaf, type ConfigFault, type ConfigTree } from './config-tree.js';
import { nearestName } from './nearest-name.js';
import { readSettingText, type Setting } from './schema-shape.js';

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'FUSERANK_';
/**
 * Ours, but no settings: the configuration file itself, the folder that tests and quality commands read (and whether
 * they must find it), and where the local OpenSearch is kept and comes from.
 */
const NOT_SETTINGS: ReadonlySet<string> = new Set([
  'FUSERANK_CONFIG',
  'FUSERANK_DATA',
  'FUSERANK_REQUIRE_DATA',
  'FUSERANK_CACHE',
  'FUSERANK_PYTHON',
  'FUSERANK_MAVEN_REPOSITORY',
]);

/** `['server', 'adminPort']` → `FUSERANK_SERVER_ADMIN_PORT`. */
export function nameVariable(path: readonly string[]): string {
  return PREFIX + path.map(upperSnake).join('_');
}

function upperSnake(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase();
}

/**
 * The settings that the environment gives. A profile is reached by its name as the file writes it
 * (`shop-main` → `FUSERANK_PROFILES_SHOP_MAIN_BLEND`); a variable that is nearly a setting is a fault, other
 * programs' variables are left alone.
 */
export function readEnvironment(
  environment: Environment,
  settings: readonly Setting[],
  file: ConfigTree,
  faults: ConfigFault[],
): ConfigTree {
  const profiles = isTree(file.profiles) ? Object.keys(file.profiles) : [];
  const known = new Map<string, Setting>();
  for (const setting of settings) {
    const names = setting.path.includes('*') ? profiles : [''];
    for (const name of names) {
      const path = setting.path.map((key) => (key === '*' ? name : key));
      known.set(nameVariable(path), { path, schema: setting.schema });
    }
  }
  const sections = new Set(settings.map((setting) => nameVariable(setting.path.slice(0, 1))));
  const tree = emptyTree();
  for (const [variable, text] of Object.entries(environment)) {
    if (text === undefined || !variable.startsWith(PREFIX) || NOT_SETTINGS.has(variable)) continue;
    const setting = known.get(variable);
    if (setting) {
      plantLeaf(tree, setting.path, readSettingText(setting.schema, text));
      continue;
    }
    const nearest = nearestName(variable, [...known.keys()]);
    const inSection = [...sections].some((section) => variable.startsWith(`${section}_`));
    if (nearest !== null || inSection)
      faults.push({ path: variable, message: `no setting has this variable${nearest === null ? '' : `; did you mean ${nearest}?`}` });
  }
  return tree;
}
