// Runs one program and ends it when whoever asked for it is gone, by whatever end: the pipe on our standard input
// closes with the asker's last breath, SIGKILL included. Started detached, so that a Ctrl-C meant for the asker does not
// reach the program before its order to stop does.
//
// usage: node supervisor.mjs, with one line of JSON on standard input that stays open:
// {"command","args","cwd","env","uid","log","graceMs","owner","remove","afterwards"}
import { spawn, spawnSync } from 'node:child_process';
import { openSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * @typedef {object} Launch
 * @property {string} command
 * @property {string[]} args
 * @property {string} cwd
 * @property {Record<string, string>} env
 * @property {number | null} uid  user (and group) to run as; null: ours
 * @property {string} log  file that takes what the program prints
 * @property {number} graceMs  between asking it to end and ending it
 * @property {string} owner  file that tells who is alive behind this folder
 * @property {string | null} remove  folder to delete after an end that was asked for
 * @property {string[] | null} afterwards  command to run when the program has ended
 */

/** @type {Launch} */
const launch = JSON.parse(await readOrder());
const log = openSync(launch.log, 'a');
const program = spawn(launch.command, launch.args, {
  cwd: launch.cwd,
  env: launch.env,
  stdio: ['ignore', log, log],
  windowsHide: true,
  ...(launch.uid === null ? {} : { uid: launch.uid, gid: launch.uid }),
});
writeFileSync(launch.owner, JSON.stringify({ host: hostname(), supervisor: process.pid, program: program.pid ?? null }));

/** The first line of standard input; whoever leaves before it is written wants nothing. */
async function readOrder() {
  let text = '';
  for await (const chunk of process.stdin.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.endsWith('\n')) return text;
  }
  process.exit(0);
}

let asked = false;
function end() {
  if (asked) return;
  asked = true;
  program.kill('SIGTERM');
  setTimeout(() => program.kill('SIGKILL'), launch.graceMs);
}

process.stdin.on('end', end).on('error', end).resume();
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, end);
program.on('error', (error) => {
  writeFileSync(launch.log, `${error.message}\n`, { flag: 'a' });
  process.exit(127);
});
program.on('exit', (code) => {
  if (launch.afterwards !== null)
    spawnSync(launch.afterwards[0], launch.afterwards.slice(1), { env: launch.env, stdio: 'ignore', windowsHide: true });
  if (asked && launch.remove !== null) rmSync(launch.remove, { recursive: true, force: true, maxRetries: 5 });
  process.exit(asked ? 0 : (code ?? 1));
});
