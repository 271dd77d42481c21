// What the trace shows of a message, and what joins it to a story. Never throws: a message that
// makes no sense still has its line in the ladder.

import type { Keys } from '#kernel/trace';
import { type Command, readRequest } from './command.ts';
import { lookup, lookupCommand } from './dictionary.ts';
import type { DiameterMessage } from './message.ts';
import { resultOfMessage } from './result.ts';

/** 'SAR REGISTRATION', 'MAA DIAMETER_SUCCESS', '999R'. */
export function describe(message: DiameterMessage): string {
  const command =
    lookupCommand(message.application, message.code) ?? lookupCommand(0, message.code);
  const name = command?.abbreviation ?? String(message.code);
  const about = message.isRequest ? aboutRequest(message, command) : aboutAnswer(message, command);
  return `${name}${message.isRequest ? 'R' : 'A'}${about === undefined ? '' : ` ${about}`}`;
}

function aboutRequest(message: DiameterMessage, command: Command | undefined): string | undefined {
  if (command?.about === undefined) return undefined;
  return orNothing(() => command.about?.(readRequest(command, message)));
}

const aboutAnswer = (message: DiameterMessage, command: Command | undefined): string | undefined =>
  orNothing(() => resultOfMessage(message, command?.application));

/** IMPI and IMSI from User-Name, IMPUs, Session-Id: whatever the message carries of them. */
export function keysOf(message: DiameterMessage): Keys {
  const keys: { -readonly [K in keyof Keys]: Keys[K] } = {};
  const impus: string[] = [];
  for (const avp of orNothing(() => message.avps) ?? []) {
    const definition = lookup(avp.vendor, avp.code);
    if (definition?.joins === undefined) continue;
    const value = orNothing(() => avp.as(definition));
    if (typeof value !== 'string') continue;
    if (definition.joins === 'impus') impus.push(value.split(/[;?]/, 1)[0] as string);
    else keys[definition.joins] = value;
  }
  if (impus.length > 0) keys.impus = impus;
  const imsi = keys.imsi ?? /^\d{14,15}(?=[@.]|$)/.exec(keys.impi ?? '')?.[0];
  if (imsi !== undefined) keys.imsi = imsi;
  return keys;
}

function orNothing<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
