// What every socket of an instance needs of its host, and how errors of the system become ours.

import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { AddressError } from '../errors.ts';
import type { Address, Clock, Log } from '../host.ts';
import type { AddressBook, Transport } from './address-book.ts';
import type { Limits } from './limits.ts';
import { portOwner } from './port-owner.ts';

export interface SocketContext {
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly book: AddressBook;
  readonly limits: Limits;
  /** Resources open; the host closes what is left when it closes. */
  readonly resources: Set<Resource>;
  /** Connections accepted by listeners, streams already or not yet; cut off when the host closes. */
  readonly connections: Set<Duplex>;
  /** Takes what a callback of the owner threw: our own mistake. */
  readonly fault: (error: unknown) => void;
}

export interface Resource {
  /** As its owner would close it. */
  close(): void;
  /** At once. */
  destroy(): void;
}

/** What a person should read where a stream ended by this error. */
export function reasonOf(error: Error & { code?: string }): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'reset';
    case 'ETIMEDOUT':
      return 'timed out';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return 'unreachable';
    default:
      return error.message === '' ? 'failed' : error.message;
  }
}

/** The error of a bind or a listen, with who holds the port where that can be known. */
export async function bindError(
  error: Error & { code?: string },
  transport: Transport,
  address: Address,
  book: AddressBook,
): Promise<Error> {
  switch (error.code) {
    case 'EADDRINUSE': {
      const instance = book.ownerOf(address, transport);
      if (instance !== undefined) {
        return new AddressError('in use', address, `'${instance}' of this network has it bound`);
      }
      const owner = await portOwner(transport, address);
      const who = owner === undefined ? 'another process' : `process ${owner.pid} (${owner.name})`;
      return new AddressError('in use', address, `held by ${who}`);
    }
    case 'EADDRNOTAVAIL':
      return new AddressError('unavailable', address, 'this machine has no such address');
    case 'EACCES':
      return new AddressError('unavailable', address, 'this user may not bind that port');
    case 'EAFNOSUPPORT':
      return new AddressError('unavailable', address, 'this machine does not support its family');
    case 'EINVAL':
      return new AddressError('unavailable', address, 'the system does not take it');
    default:
      return error;
  }
}

/** Names are resolved before they come here: a socket that asked the DNS would wait unseen. */
export function checkAddress(address: Address): void {
  if (isIP(address.host) === 0) {
    throw new AddressError('unavailable', address, 'the host is not an IP address');
  }
  const { port } = address;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new AddressError('unavailable', address, 'the port is not between 0 and 65535');
  }
}

/** An IPv4 peer of a socket that takes both families, as the IPv4 address it is. */
export function plainHost(host: string | undefined): string {
  if (host === undefined) return '0.0.0.0';
  return host.startsWith('::ffff:') && host.includes('.') ? host.slice(7) : host;
}

/** Says what a peer makes happen over and over no more than once a minute. */
export function atMostEachMinute(clock: Clock, say: (times: number) => void): () => void {
  let times = 0;
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    times++;
    if (clock.now() - last < 60_000) return;
    last = clock.now();
    say(times);
    times = 0;
  };
}
