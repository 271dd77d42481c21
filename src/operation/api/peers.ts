// Whom the functions of this process talk to: every Diameter peer, and every SIP peer but the UEs.

import type { PeerStatus } from '#diameter/node';
import type { Address } from '#kernel/host';
import { type Functions, INSTANCE } from '#networks/compose';
import type { SipEndpoint } from '#sip/endpoint';
import type { Flow } from '#sip/flow';
import type { ApiContext } from './context.ts';
import { type AnyOperation, operation } from './route.ts';
import { PeerList } from './schemas.ts';

/** SIP peers listed of one function, at most: an interconnection may have many flows. */
const MOST = 1000;

export function peerOperations({ running }: ApiContext): readonly AnyOperation[] {
  return [
    operation({
      method: 'GET',
      path: '/api/v1/peers',
      id: 'listPeers',
      tag: 'network',
      summary: 'The state of every Diameter and SIP peer',
      answers: { 200: { description: 'Peers', schema: PeerList } },
      serve() {
        const { functions } = running.network;
        const peers = [
          ...diameterPeers(functions).map(({ at, status }) => diameterPeer(at, status)),
          ...sipEndpoints(functions).flatMap(({ at, sip }) => sipPeers(at, sip)),
        ];
        return { body: { peers, ues: gmFlows(functions) } };
      },
    }),
  ];
}

export function diameterPeers(
  functions: Functions,
): readonly { readonly at: string; readonly status: PeerStatus }[] {
  const { hss, scscf, icscf } = functions;
  const of = (at: string, peers: readonly PeerStatus[] | undefined) =>
    (peers ?? []).map(status => ({ at, status }));
  return [
    ...of(INSTANCE.icscf, icscf?.peers()),
    ...of(INSTANCE.scscf, scscf?.peers()),
    ...of(INSTANCE.hss, hss?.peers()),
  ];
}

export function sipEndpoints(
  functions: Functions,
): readonly { readonly at: string; readonly sip: SipEndpoint }[] {
  return (['pcscf', 'icscf', 'scscf', 'as'] as const).flatMap(name => {
    const found = functions[name];
    return found === undefined ? [] : [{ at: INSTANCE[name], sip: found.sip }];
  });
}

/** Flows of UEs that the P-CSCF holds. */
export const gmFlows = ({ pcscf }: Functions): number =>
  (pcscf?.sip.flows() ?? []).filter(({ point }) => point === 'Gm').length;

/** Application identifiers that the functions here speak, TS 29.229 §5.8. */
const APPLICATIONS: Readonly<Record<number, string>> = { 16777216: 'Cx' };

function diameterPeer(at: string, status: PeerStatus) {
  const { identity, realm, state, link, remote, applications, pending } = status;
  return {
    at,
    protocol: 'diameter',
    point: 'Cx',
    name: identity ?? (remote === undefined ? 'not known yet' : addressText(remote)),
    realm,
    state,
    ...(link === undefined ? {} : { link }),
    ...(remote === undefined || link === 'local' ? {} : { remote: addressText(remote) }),
    applications: applications.map(id => APPLICATIONS[id] ?? String(id)),
    pending,
  };
}

function sipPeers(at: string, sip: SipEndpoint) {
  const flows = sip.flows().filter(({ point }) => point !== 'Gm');
  return flows.slice(0, MOST).map((flow: Flow) => ({
    at,
    protocol: 'sip',
    point: flow.point,
    name: flow.remoteName ?? addressText(flow.remote),
    state: flow.closed ? 'closed' : 'open',
    link: flow.protocol,
    ...(flow.protocol === 'local' ? {} : { remote: addressText(flow.remote) }),
  }));
}

export const addressText = ({ host, port }: Address): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
