// Sending octets as they are: datagrams, and connections in pieces of any size.

import { createSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** Sends datagrams from one socket, a few at a time so that none is lost on the way. */
export async function datagrams(port: number, all: readonly Uint8Array[]): Promise<void> {
  const socket = createSocket('udp4');
  try {
    for (const [index, octets] of all.entries()) {
      await new Promise<void>((resolve, reject) =>
        socket.send(octets, port, '127.0.0.1', error => (error ? reject(error) : resolve())),
      );
      if (index % 16 === 15) await sleep(4);
    }
  } finally {
    socket.close();
  }
}

export interface Connection {
  readonly socket: Socket;
  /** What came back. */
  readonly received: () => Buffer;
  readonly isClosed: () => boolean;
}

export function open(port: number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let closed = false;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.on('data', chunk => chunks.push(chunk));
    socket.on('close', () => {
      closed = true;
    });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {}); // the other end may close when it likes
      resolve({ socket, received: () => Buffer.concat(chunks), isClosed: () => closed });
    });
  });
}

/** Writes in pieces, a turn of the loop apart; stops where the other end has closed. */
export async function inPieces(to: Connection, octets: Uint8Array, size: number): Promise<void> {
  for (let at = 0; at < octets.length && !to.isClosed(); at += size) {
    to.socket.write(octets.subarray(at, at + size));
    await nextTurn();
  }
}

/** Waits for something, at most `patience` milliseconds; true where it came. */
export async function until(condition: () => boolean, patience: number): Promise<boolean> {
  const end = performance.now() + patience;
  while (!condition()) {
    if (performance.now() > end) return false;
    await sleep(5);
  }
  return true;
}
