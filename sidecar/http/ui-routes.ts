import express, { Router } from 'express';
import { HttpError } from './errors.js';

/** The web page: a folder at `/ui/`, and further folders beneath it, such as a shop's pictures. */
export interface Ui {
  readonly folder: string;
  readonly mounts?: readonly { readonly path: string; readonly folder: string }[];
  /** What the page is told at `/ui/settings.json`. */
  readonly readSettings: () => object;
}

// Scripts, styles and requests of our own only; pictures from wherever the shop keeps them.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https: http:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function uiRoutes(ui: Ui | null): Router {
  const router = Router();
  router.use('/ui', (request, response, next) => {
    if (ui === null) throw new HttpError('not_found', 'page: ui.enabled is false');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new HttpError('method_not_allowed', '/ui/ takes GET', { allow: 'GET, HEAD' });
    response.set({
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    });
    next();
  });
  if (ui !== null) {
    router.get('/ui', (request, response, next) => {
      if (request.path.endsWith('/')) next();
      else response.redirect(308, '/ui/');
    });
    router.get('/ui/settings.json', (_request, response) => {
      response.json(ui.readSettings());
    });
    const files = { dotfiles: 'ignore', redirect: false, etag: true, cacheControl: false } as const;
    for (const mount of ui.mounts ?? [])
      router.use(`/ui/${mount.path.replace(/^\/+|\/+$/g, '')}`, express.static(mount.folder, { ...files, index: false }));
    router.use('/ui', express.static(ui.folder, files));
  }
  router.use('/ui', () => {
    throw new HttpError('not_found', 'such file under /ui/');
  });
  return router;
}
