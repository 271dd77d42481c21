// What joins a message into a story: identities, call, charging. Read once, when somebody asks.

import type { Keys } from '#kernel/trace';
import type { HeaderDef } from './header.ts';
import { From, To } from './headers/addressing.ts';
import { Authorization, ProxyAuthorization } from './headers/authentication.ts';
import { PChargingVector } from './headers/charging.ts';
import { CallId } from './headers/dialog.ts';
import { PAssertedIdentity } from './headers/identity.ts';
import type { SipMessage } from './message.ts';
import { copied } from './text.ts';
import { impuOf, isSipUri, isTelUri, type Uri } from './uri.ts';

/** Never throws: what is malformed joins nothing. Every string is a copy. */
export function keysOf(message: SipMessage, requestUri: Uri | undefined): Keys {
  const keys: { -readonly [K in keyof Keys]: Keys[K] } = {};
  const impi = impiOf(message);
  if (impi !== undefined) {
    keys.impi = impi;
    const imsi = /^(\d{14,15})@ims\.mnc\d{2,3}\.mcc\d{3}\.3gppnetwork\.org$/i.exec(impi);
    if (imsi !== null) keys.imsi = imsi[1]!;
  }

  const impus = new Set<string>();
  const note = (uri: Uri | undefined): void => {
    if (uri !== undefined && (isTelUri(uri) || (isSipUri(uri) && uri.user !== undefined))) {
      impus.add(copied(impuOf(uri)));
    }
  };
  note(attempt(message, From)?.uri);
  note(attempt(message, To)?.uri);
  for (const identity of attemptAll(message, PAssertedIdentity)) note(identity.uri);
  note(requestUri);
  if (impus.size > 0) keys.impus = [...impus];

  const callId = attempt(message, CallId);
  if (callId !== undefined) keys.callId = copied(callId);
  const vector = attempt(message, PChargingVector);
  if (vector !== undefined && vector.icid !== '') keys.icid = copied(vector.icid);
  return keys;
}

/** The private identity: the username, completed by the realm where it has no domain. */
function impiOf(message: SipMessage): string | undefined {
  for (const def of [Authorization, ProxyAuthorization]) {
    const credentials = attempt(message, def);
    const username = credentials?.params.get('username');
    if (!username) continue;
    const realm = credentials?.params.get('realm');
    return copied(username.includes('@') || !realm ? username : `${username}@${realm}`);
  }
  return undefined;
}

function attempt<T>(message: SipMessage, def: HeaderDef<T>): T | undefined {
  return attemptAll(message, def)[0];
}

function attemptAll<T>(message: SipMessage, def: HeaderDef<T>): readonly T[] {
  try {
    return message.all(def);
  } catch {
    return [];
  }
}
