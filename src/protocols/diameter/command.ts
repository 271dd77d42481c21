// Commands as values: a request or an answer made from what a procedure says, and read into what
// it wants to know. What every message of an application carries is the envelope. RFC 6733 §6

import type { AnswerCommon, AnyCommand } from './application.ts';
import { Avp, MANDATORY } from './avp.ts';
import {
  AuthSessionState,
  DestinationHost,
  DestinationRealm,
  ErrorMessage,
  OriginHost,
  OriginRealm,
  SessionId,
  VendorSpecificApplicationId,
} from './base.ts';
import { optional, type ValuesOf } from './definition.ts';
import { lookup } from './dictionary.ts';
import { DiameterError } from './errors.ts';
import {
  Collector,
  type OnProblem,
  type Plan,
  planOf,
  settleMembers,
  unsupported,
  type Values,
} from './group.ts';
import type { DiameterMessage } from './message.ts';
import { resultOfMessage } from './result.ts';

export type Command = AnyCommand;

/** What every request of an application but the base carries. */
const requestEnvelope = {
  sessionId: SessionId,
  originHost: OriginHost,
  originRealm: OriginRealm,
  destinationHost: optional(DestinationHost),
  destinationRealm: DestinationRealm,
  // TS 29.229 wants both; peers that leave them out are understood all the same
  authSessionState: optional(AuthSessionState),
  application: optional(VendorSpecificApplicationId),
};
export type RequestEnvelope = ValuesOf<typeof requestEnvelope>;

// ------------------------------------------------------------------------------------ reading

/**
 * The envelope of a request. Throws the DiameterError that RFC 6733 §7 wants for an AVP that
 * lacks, comes twice or cannot be read.
 */
export function readEnvelope(message: DiameterMessage): RequestEnvelope {
  const collector = new Collector(planOf(requestEnvelope));
  for (const avp of message.avps) offer(collector, avp);
  return collector.finish() as RequestEnvelope;
}

/** What the request asks. Throws the DiameterError it deserves: §7.1.5. */
export function readRequest(command: Command, message: DiameterMessage): Values {
  return read(planOf(command.request), message, refuseUnknown);
}

/**
 * What the answer says; an element that cannot be read is left out and told to `onProblem`.
 * Throws a DiameterError where there is no result at all.
 */
export function readAnswer(
  command: Command,
  message: DiameterMessage,
  onProblem: OnProblem,
): AnswerCommon<string> & Values {
  const result = resultOfMessage(message, command.application);
  if (result === undefined) {
    throw new DiameterError('DIAMETER_MISSING_AVP', 'an answer without result', {
      clause: 'RFC 6733 §7.1',
    });
  }
  const plan = planOf(command.answer);
  const collector = new Collector(plan, onProblem);
  for (const avp of message.avps) offer(collector, avp);
  const values = collector.values; // a failure need not carry what a success must
  values.result = result;
  try {
    const errorMessage = message.get(ErrorMessage);
    if (errorMessage !== undefined) values.errorMessage = errorMessage;
  } catch (error) {
    if (!(error instanceof DiameterError)) throw error;
    onProblem(error);
  }
  return values as AnswerCommon<string> & Values;
}

function read(plan: Plan, message: DiameterMessage, unknown: (avp: Avp) => void): Values {
  const collector = new Collector(plan);
  for (const avp of message.avps) if (!offer(collector, avp)) unknown(avp);
  return collector.finish();
}

function offer(collector: Collector, avp: Avp): boolean {
  const slot = collector.slot(avp.vendor, avp.code);
  if (slot === undefined) return false;
  collector.take(
    slot,
    () => avp.as(slot.avp),
    () => avp,
  );
  return true;
}

/** A mandatory AVP that nobody here has heard of. §4.1 */
function refuseUnknown(avp: Avp): void {
  if (avp.flags & MANDATORY && lookup(avp.vendor, avp.code) === undefined) throw unsupported(avp);
}

// ------------------------------------------------------------------------------------ making

/** The AVPs of values in the order of the declaration. */
export function avpsOf(members: Command['request'], values: Values): Avp[] {
  const settled = settleMembers(members, values);
  const avps: Avp[] = [];
  for (const { key, avp, many } of planOf(members).slots) {
    const value = settled[key];
    if (value === undefined) continue;
    if (many) for (const one of value as unknown[]) avps.push(Avp.settled(avp, one));
    else avps.push(Avp.settled(avp, value));
  }
  return avps;
}
