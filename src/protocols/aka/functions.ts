// f1 to f5* of a subscriber, by whichever algorithm set his card has. TS 33.102 §6.3, annex C aside.

import {
  type Challenge,
  type MacOutputs,
  milenage,
  fromRand as milenageFromRand,
  macs as milenageMacs,
  type RandOutputs,
  type SubscriberKey,
  type Vector,
  xor,
} from './milenage.ts';
import { type TuakKey, tuakFromRand, tuakMacs } from './tuak.ts';

/** What a card and its authentication centre share: OPc is Milenage's, TOPc is TUAK's. */
export type CardKey = SubscriberKey | TuakKey;

/** f2 to f5*: what follows from RAND alone. */
export const fromRand = (key: CardKey, rand: Uint8Array): RandOutputs =>
  'topc' in key ? tuakFromRand(key, rand) : milenageFromRand(key, rand);

/** f1 and f1*. */
export const macs = (input: CardKey & Challenge): MacOutputs =>
  'topc' in input ? tuakMacs(input) : milenageMacs(input);

/** A whole authentication vector. TS 33.102 §6.3.2 */
export function vectorFor(input: CardKey & Challenge): Vector {
  if (!('topc' in input)) return milenage(input);
  const outputs = tuakFromRand(input, input.rand);
  const mac = tuakMacs(input);
  const autn = Buffer.concat([xor(input.sqn, outputs.ak), input.amf, mac.macA]);
  return { ...outputs, ...mac, autn };
}
