import { Command, CommanderError } from 'commander';
import { describe, expect, it, vi } from 'vitest';
import { eventsIndexBody, queriesIndexBody } from '../../mappings/behaviour-index.js';
import { registerMappingsCommand } from '../../mappings/command.js';
import { searchTemplateBody } from '../../mappings/query-templates.js';
import { normalisationPipeline, rankFusionPipeline } from '../../mappings/search-pipelines.js';

interface Printed {
  refusal: string | null;
  stdout: string;
  stderr: string;
}

async function runMappings(...args: string[]): Promise<Printed> {
  const printed: Printed = { refusal: null, stdout: '', stderr: '' };
  const keep = (stream: 'stdout' | 'stderr') => (text: string | Uint8Array) => {
    printed[stream] += String(text);
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(keep('stdout')),
    vi.spyOn(process.stderr, 'write').mockImplementation(keep('stderr')),
  ];
  const program = new Command('fuserank').exitOverride();
  registerMappingsCommand(program);
  try {
    await program.parseAsync(['mappings', ...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    printed.refusal = error.message;
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return printed;
}

// engine-accepts.test.ts proves that the engine takes these very bodies.
describe('fuserank mappings', () => {
  it.each([
    ['hybrid-pipeline', [], '/_search/pipeline/fuserank_hybrid', normalisationPipeline({ weights: [0.7, 0.3] })],
    [
      'hybrid-pipeline',
      ['--weights', '0.5,0.25,0.25'],
      '/_search/pipeline/fuserank_hybrid',
      normalisationPipeline({ weights: [0.5, 0.25, 0.25] }),
    ],
    ['rrf-pipeline', [], '/_search/pipeline/fuserank_rrf', rankFusionPipeline()],
    ['search-template', ['--text-fields', 'title, brand'], '/_scripts/fuserank_search', searchTemplateBody({ text: ['title', 'brand'] })],
    ['events', [], '/ubi_events', eventsIndexBody()],
    ['queries', [], '/ubi_queries', queriesIndexBody()],
  ])('prints %s %j for PUT %s', async (name, flags, path, body) => {
    const { refusal, stdout, stderr } = await runMappings(name, ...flags);
    expect(refusal).toBeNull();
    expect(JSON.parse(stdout)).toEqual(body);
    expect(stderr).toBe(`store it with PUT ${path}\n`);
  });

  it.each([
    [['hybrid-pipeline', '--weights', '0.5,0.6'], /must sum to 1, these sum to 1\.1/],
    [['hybrid-pipeline', '--weights', 'half'], /must be numbers from 0 to 1/],
    [['search-template'], /no text field is mapped; name them with --text-fields/],
    [['pipeline'], /Allowed choices are hybrid-pipeline/],
  ])('refuses %j as a fault of usage', async (args, message) => {
    const { refusal, stdout } = await runMappings(...args);
    expect(refusal).toMatch(message);
    expect(stdout).toBe('');
  });
});
