// Which S-CSCF a user gets (TS 24.229 §5.3.1.2, TS 29.228 §6.7): the one the HSS names, else one that
// has every mandatory capability, and of those the one with the most optional ones.

import type { ICscfConfig, ServingCscf } from './config.ts';

export interface Wanted {
  readonly server?: string | undefined;
  readonly capabilities?:
    | {
        readonly mandatory: readonly number[];
        readonly optional: readonly number[];
        readonly servers: readonly string[];
      }
    | undefined;
}

export interface Selected {
  readonly uri: string;
  readonly because: string;
}

/** Every S-CSCF that would do, best first; those in `excluded` have failed already. */
export function candidates(
  wanted: Wanted,
  known: readonly ServingCscf[],
  excluded: ReadonlySet<string> = new Set(),
): readonly Selected[] {
  const found: Selected[] = [];
  const add = (uri: string, because: string): void => {
    if (!excluded.has(uri) && found.every(other => other.uri !== uri)) found.push({ uri, because });
  };
  if (wanted.server !== undefined) add(wanted.server, 'the HSS names it as the S-CSCF assigned');
  const { mandatory = [], optional = [], servers = [] } = wanted.capabilities ?? {};
  for (const uri of servers) add(uri, 'the HSS names it among the S-CSCFs to prefer');

  const has = (server: ServingCscf, list: readonly number[]): number =>
    list.filter(capability => server.capabilities.includes(capability)).length;
  const able = known
    .map((server, order) => ({ server, order, optional: has(server, optional) }))
    .filter(({ server }) => has(server, mandatory) === mandatory.length)
    .sort((a, b) => b.optional - a.optional || a.order - b.order);
  for (const { server, optional: fits } of able) add(server.uri, reason(mandatory, optional, fits));
  return found;
}

/**
 * Who may take the place of those that failed: nobody where the HSS, asked for capabilities, still
 * names one server, as for a service identity that an application server has to itself.
 */
export function replacements(
  config: ICscfConfig,
  { server, capabilities }: Wanted,
  failed: ReadonlySet<string>,
): readonly Selected[] {
  if (server !== undefined && capabilities === undefined) return [];
  return candidates({ capabilities }, config.sCscfs, failed);
}

function reason(mandatory: readonly number[], optional: readonly number[], fits: number): string {
  if (mandatory.length + optional.length === 0) {
    return 'no S-CSCF is assigned and the HSS asks for no capability: the first known';
  }
  return `it has all mandatory capabilities (${mandatory.join(', ') || 'none'}) and ${fits} of ${optional.length} optional ones`;
}
