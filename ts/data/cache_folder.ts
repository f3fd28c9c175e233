/** Where data that was downloaded is kept. */
import { homedir } from 'node:os';
import path from 'node:path';

/** BLINDSPOT_CACHE, or the platform's folder for caches. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env, data = 'mnist'): string {
  const chosen = environment['BLINDSPOT_CACHE'];
  if (chosen) return path.join(chosen, data);
  const byPlatform: Partial<Record<NodeJS.Platform, string>> = {
    win32: environment['LOCALAPPDATA'] ?? path.join(homedir(), 'AppData', 'Local'),
    darwin: path.join(homedir(), 'Library', 'Caches'),
  };
  const folder = byPlatform[process.platform] ?? (environment['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'));
  return path.join(folder, 'blindspot', data);
}
