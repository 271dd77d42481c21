// What callers, callees and application servers do in the S-CSCF's tests.

import assert from 'node:assert/strict';
import type { SessionCase } from '#diameter/cx-user-data';
import type { ServerTransaction } from '#sip/endpoint';
import {
  CallId,
  Contact,
  CSeq,
  From,
  MaxForwards,
  nameAddr,
  RecordRoute,
  Route,
  To,
  Via,
} from '#sip/headers';
import {
  type Edit,
  removeFirst,
  request,
  type SipRequest,
  type SipResponse,
  set,
  toTag,
} from '#sip/message';
import { parseUri, uriText } from '#sip/uri';
import { Bench } from './bench.ts';
import { alice } from './scripted-hss.ts';

export const inviteCase = (sessionCase: SessionCase) => ({
  triggerPoint: {
    form: 'CNF' as const,
    groups: [[{ kind: 'sessionCase' as const, sessionCase, negated: false }]],
  },
});

/** Answers an INVITE as a UE does, with Record-Route as it came. */
export function answer(tx: ServerTransaction, status = 200, ...edits: readonly Edit[]): void {
  tx.reply(
    status,
    set(RecordRoute, ...tx.request.all(RecordRoute)),
    toTag('callee'),
    set(Contact, nameAddr(parseUri('sip:callee@192.0.2.2:5060'))),
    ...edits,
  );
}

export const routesOf = (message: SipRequest): string[] =>
  message.all(Route).map(({ uri }) => uriText(uri));

/** A request within the dialog that `invite` and its 2xx made, from the caller. */
export function within(
  method: string,
  invite: SipRequest,
  ok: SipResponse,
  sequence = 2,
): SipRequest {
  return request(
    method,
    ok.get(Contact)!.uri,
    set(MaxForwards, 70),
    set(Route, ...[...ok.all(RecordRoute)].reverse()),
    set(From, invite.get(From)!),
    set(CallId, invite.get(CallId)!),
    set(To, ok.get(To)!),
    set(CSeq, { sequence, method }),
  );
}

export async function registered(...args: ConstructorParameters<typeof Bench>): Promise<Bench> {
  const bench = await new Bench(...args).start();
  assert.equal((await bench.registerByCard(alice)).status, 200);
  return bench;
}

/** What a proxy AS does: takes its own Route off, sends the request to the next. */
export function proxyOn(bench: Bench, tx: ServerTransaction, ...edits: readonly Edit[]): void {
  const onward = tx.request.with(removeFirst(Route), ...edits);
  const client = bench.as.endpoint.request(onward, { uri: onward.get(Route)!.uri });
  client.onResponse = received => {
    if (received.status > 100) tx.respond(received.with(removeFirst(Via)));
  };
}
