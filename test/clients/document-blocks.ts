import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../config/package-root.js';

/** A fenced block of a page. */
export interface DocumentBlock {
  readonly language: string;
  /** The nearest heading above it. */
  readonly heading: string;
  readonly text: string;
}

/** A command of a page and what the page says it prints; nothing said = null. */
export interface DocumentCommand {
  readonly command: string;
  readonly prints: string | null;
}

export function readBlocks(page: string): DocumentBlock[] {
  const blocks: DocumentBlock[] = [];
  let [heading, language]: [string, string | null] = ['', null];
  let lines: string[] = [];
  for (const line of readFileSync(join(packageRoot, page), 'utf8').split('\n')) {
    const fence = /^\s*```(\w*)/.exec(line);
    if (fence && language === null) [language, lines] = [fence[1] ?? '', []];
    else if (fence) {
      blocks.push({ language: language ?? '', heading, text: lines.join('\n') });
      language = null;
    } else if (language !== null) lines.push(line);
    else heading = /^#+\s+(.*)/.exec(line)?.[1] ?? heading;
  }
  return blocks;
}

/** The curl commands of a block that ask a sidecar at its default port; lines after one, up to the next, are what it prints. */
export function readCurlCommands({ text }: DocumentBlock): DocumentCommand[] {
  const commands: DocumentCommand[] = [];
  const lines = text.split('\n');
  while (lines.length > 0) {
    if (!/^curl /.test(lines[0] ?? '')) {
      lines.shift();
      continue;
    }
    const command: string[] = [];
    do command.push(lines.shift() ?? '');
    while (lines.length > 0 && goesOn(command.join('\n')));
    const prints: string[] = [];
    while (lines.length > 0 && /^[{["<]/.test(lines[0] ?? '')) prints.push(lines.shift() ?? '');
    if (/(localhost|127\.0\.0\.1):8080/.test(command.join('\n')))
      commands.push({ command: command.join('\n'), prints: prints.length > 0 ? prints.join('\n') : null });
  }
  return commands;
}

/** A quote is open, or the line ends in a backslash or a pipe. */
function goesOn(command: string): boolean {
  const unquoted = command.replace(/'[^']*'|"(?:[^"\\]|\\.)*"/g, '');
  return /['"]/.test(unquoted) || /[\\|]$/.test(command);
}
