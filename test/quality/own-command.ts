import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../config/package-root.js';

const TOLD = 2_000;

/** `fuserank …` as everybody calls it, with a configuration that lies in a folder. @returns what it printed @throws Error with what it complained of */
export function runCommand(folder: string, args: readonly string[], config = 'fuserank.yaml'): Promise<string> {
  const command = [join(packageRoot, 'dist', 'fuserank.js'), ...args, '--config', join(folder, config)];
  return runProgram(process.execPath, command, { name: `fuserank ${args.join(' ')}` });
}

/** @returns standard output @throws Error with the end of what it said */
export function runProgram(
  program: string,
  args: readonly string[],
  { cwd, name = `${program} ${args.join(' ')}` }: { cwd?: string; name?: string } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...(cwd === undefined ? {} : { cwd }) });
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', (cause) => reject(new Error(`${name} can't be started: ${cause.message}`, { cause })));
    child.on('close', (code) => {
      if (code === 0) return resolve(Buffer.concat(out).toString('utf8'));
      const said = Buffer.concat([...err, ...out])
        .toString('utf8')
        .slice(-TOLD);
      reject(new Error(`${name} ended with ${code}: ${said}`));
    });
  });
}
