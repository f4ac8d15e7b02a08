import { arch, availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os';

/** What a figure was taken on; without it a figure of time means nothing. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGb: number;
  platform: string;
  node: string;
  /** Load average of the last minute when the run began: above .5, times of the clock belong to the neighbours too. */
  load: number;
  taken: string;
}

export function describeMachine(): Machine {
  return {
    cpu: (cpus()[0]?.model ?? 'unknown').trim(),
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    platform: `${platform()} ${arch()}`,
    node: process.versions.node,
    load: Math.round((loadavg()[0] ?? Number.NaN) * 100) / 100,
    taken: new Date().toISOString().slice(0, 16).replace('T', ' '),
  };
}

/** One line. */
export function nameMachine({ cpu, cores, memoryGb, platform: system, node, load, taken }: Machine): string {
  return `${cpu}, ${cores} cores, ${memoryGb} GiB, ${system}, Node ${node}; load average at the start ${load.toFixed(2)}; ${taken} UTC`;
}
