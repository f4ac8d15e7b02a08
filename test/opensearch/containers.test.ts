import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { loadConfig } from '../../config/load.js';
import { packageRoot } from '../../config/package-root.js';
import { LOCK } from '../../opensearch/local-node/lock.js';

const serviceSchema = z.object({
  image: z.string(),
  profiles: z.array(z.string()),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.object({ test: z.array(z.string()).optional(), disable: z.boolean().optional() }).optional(),
  secrets: z.array(z.string()).default([]),
});
const composeSchema = z.object({ services: z.record(z.string(), serviceSchema), secrets: z.record(z.string(), z.unknown()) });

const compose = composeSchema.parse(parse(readFileSync(join(packageRoot, 'docker-compose.yml'), 'utf8'), { merge: true }));
const services = Object.entries(compose.services);

describe('docker-compose.yml', () => {
  it('runs the OpenSearch of the lock', () => {
    const engines = services.filter(([name]) => name.startsWith('opensearch'));
    expect(engines.map(([, { image }]) => image)).toEqual([LOCK.docker.image, LOCK.docker.image]);
  });

  it('publishes ports on loopback only', () => {
    for (const [name, { ports }] of services) for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/);
  });

  it('waits for an engine that says when it is healthy', () => {
    for (const [name, { depends_on }] of services.filter(([service]) => !service.startsWith('opensearch'))) {
      expect(Object.keys(depends_on), name).toHaveLength(1);
      for (const [engine, { condition }] of Object.entries(depends_on)) {
        expect(condition, name).toBe('service_healthy');
        expect(compose.services[engine]?.healthcheck?.test, engine).toBeDefined();
      }
    }
  });

  it('leaves security off in the profile dev alone', () => {
    for (const [name, { profiles, environment }] of services) {
      if (environment['DISABLE_SECURITY_PLUGIN'] === 'true') expect(profiles, name).toEqual(['dev']);
    }
  });

  it('configures us by variables that are settings', () => {
    const ours = services.filter(([name]) => !name.startsWith('opensearch'));
    for (const [name, { environment, secrets }] of ours) {
      // The password file is mounted by Docker; here any readable file stands for it.
      const env = Object.fromEntries(
        Object.entries(environment).map(([key, value]) => [
          key,
          value.startsWith('/run/secrets/') ? join(packageRoot, 'package.json') : value,
        ]),
      );
      const config = loadConfig({ env }).opensearch;
      expect(config.nodes[0], name).toMatch(/^https?:\/\/opensearch/);
      expect(config.auth.type, name).toBe(secrets.length > 0 ? 'basic' : 'none');
      for (const secret of secrets) expect(compose.secrets).toHaveProperty(secret);
    }
  });
});
