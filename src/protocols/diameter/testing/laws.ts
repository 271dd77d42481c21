// What must hold for any octets at all: property tests and the fuzz target ask it.

import assert from 'node:assert/strict';
import { decode } from '../codec.ts';
import { readAnswer, readEnvelope, readRequest } from '../command.ts';
import { lookup, lookupCommand } from '../dictionary.ts';
import { DiameterError } from '../errors.ts';
import type { DiameterMessage } from '../message.ts';

/** Decodes and reads in every way there is; throws where a law is broken. */
export function survive(octets: Buffer): void {
  const message = ownErrorOnly(() => decode(octets));
  if (message === undefined) return;
  assert.ok(message.encode().equals(octets), 'what decodes encodes to the same octets');
  const again = message.with({}).encode();
  assert.ok(again.equals(octets), 'and so do its AVPs one by one');
  const masked = message.masked();
  assert.equal(masked.length, octets.length, 'masking keeps the length');
  message.summary();
  message.keys();
  ownErrorOnly(() => readEnvelope(message));
  readByCommand(message);
  for (const avp of message.avps) {
    const definition = lookup(avp.vendor, avp.code);
    if (definition !== undefined) ownErrorOnly(() => avp.as(definition));
  }
}

function readByCommand(message: DiameterMessage): void {
  const command = lookupCommand(message.application, message.code);
  if (command === undefined) return;
  if (message.isRequest) ownErrorOnly(() => readRequest(command, message));
  else ownErrorOnly(() => readAnswer(command, message, () => {}));
}

function ownErrorOnly<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof DiameterError) return undefined;
    throw error;
  }
}
