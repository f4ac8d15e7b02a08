import { readdirSync, readFileSync } from 'node:fs';

/** Ticks a second of /proc's clocks: fixed at 100 for programs on Linux, whatever the kernel's own rate. */
const TICKS_PER_SECOND = 100;

/** What `/proc/<pid>/stat` says. */
export interface ProcessStat {
  parent: number;
  /** User and system time of all its threads since its start, ms, in steps of 10. */
  cpuMs: number;
}

/** Reads the line; the command's name stands in parentheses and may hold spaces and parentheses itself. */
export function parseStat(line: string): ProcessStat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  // Fields are counted from 3 behind the name: state, ppid (4), …, utime (14), stime (15).
  const at = (number: number): number => Number(fields[number - 3]);
  return { parent: at(4), cpuMs: ((at(14) + at(15)) * 1000) / TICKS_PER_SECOND };
}

/** CPU time of the processes together, ms. @throws Error where there is no /proc, or a process is gone */
export function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).cpuMs, 0);
}

/** Resident memory, MiB: now, and at its highest. */
export function memoryOf(pid: number): { nowMb: number; peakMb: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024;
  return { nowMb: read('VmRSS'), peakMb: read('VmHWM') };
}

/** Process ids whose parent is `pid`. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        return parseStat(readFileSync(`/proc/${candidate}/stat`, 'utf8')).parent === pid;
      } catch {
        return false; // ended while we looked
      }
    });
}
