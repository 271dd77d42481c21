// Everything declared, by code: what the trace, the masking of secrets and the check for
// unsupported mandatory AVPs ask. Filled by the declarations themselves as their files load.

import { assert } from '#kernel/errors';
import type { AnyCommand } from './application.ts';
import type { AnyAvp } from './definition.ts';

const avps = new Map<number, AnyAvp>();
const commands = new Map<number, Map<number, AnyCommand>>();

/** One number for a vendor and a code; exact, since no assigned vendor passes 2^21. */
export const avpKey = (vendor: number, code: number): number => vendor * 0x1_0000_0000 + code;

export function register(avp: AnyAvp): void {
  const key = avpKey(avp.vendor, avp.code);
  const other = avps.get(key);
  assert(other === undefined, `AVP ${avp.vendor}:${avp.code} is ${avp.name} and ${other?.name}`);
  avps.set(key, avp);
}

export function registerCommand(command: AnyCommand): void {
  const { id, name } = command.application;
  const ofApplication = commands.get(id) ?? new Map<number, AnyCommand>();
  assert(!ofApplication.has(command.code), `command ${command.code} of ${name} twice`);
  commands.set(id, ofApplication.set(command.code, command));
}

/** The definition of an AVP, if it is declared anywhere in this process. */
export function lookup(vendor: number, code: number): AnyAvp | undefined {
  const found = avps.get(avpKey(vendor, code));
  return found !== undefined && found.vendor === vendor && found.code === code ? found : undefined;
}

export function lookupCommand(application: number, code: number): AnyCommand | undefined {
  return commands.get(application)?.get(code);
}

/** Every declared AVP, in order of declaration. */
export const allAvps = (): readonly AnyAvp[] => [...avps.values()];
/** Every declared command, in order of declaration. */
export const allCommands = (): readonly AnyCommand[] =>
  [...commands.values()].flatMap(ofApplication => [...ofApplication.values()]);
