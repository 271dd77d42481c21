// UDP by node:dgram. What a batched add-on would replace is this file alone.

import { createSocket, type Socket } from 'node:dgram';
import type { Address, DatagramSocket } from '../host.ts';
import {
  atMostEachMinute,
  bindError,
  checkAddress,
  plainHost,
  type SocketContext,
} from './context.ts';

/** Octets that may wait in this process for a send buffer that is full; more are lost. */
const MOST_QUEUED = 4 * 1024 * 1024;

/** @throws AddressError */
export async function bindDatagram(
  context: SocketContext,
  local: Address,
  receive: (datagram: Uint8Array, from: Address) => void,
): Promise<DatagramSocket> {
  checkAddress(local);
  const family = local.host.includes(':') ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    ipv6Only: family === 6,
    // Addresses are literals, so nothing is looked up and a datagram leaves in the call that sends it.
    lookup: (host, _options, done) => done(null, host, family),
  });
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: Error) => {
      socket.close();
      void bindError(error, 'udp', local, context.book).then(reject);
    };
    socket.once('error', refuse);
    socket.bind({ address: local.host, port: local.port, exclusive: true }, () => {
      socket.off('error', refuse);
      resolve();
    });
  });
  growBuffers(socket, context.limits.datagramBuffer);
  return new UdpSocket(context, socket, family, receive);
}

/** The system may allow less, and says so only on some platforms. */
function growBuffers(socket: Socket, octets: number): void {
  try {
    socket.setRecvBufferSize(octets);
    socket.setSendBufferSize(octets);
  } catch {
    // It keeps the size it has.
  }
}

class UdpSocket implements DatagramSocket {
  readonly local: Address;
  readonly #context: SocketContext;
  readonly #socket: Socket;
  readonly #family: 4 | 6;
  readonly #release: () => void;
  readonly #lost: () => void;
  #closed = false;

  constructor(
    context: SocketContext,
    socket: Socket,
    family: 4 | 6,
    receive: (datagram: Uint8Array, from: Address) => void,
  ) {
    const bound = socket.address();
    this.local = { host: bound.address, port: bound.port };
    this.#context = context;
    this.#socket = socket;
    this.#family = family;
    this.#release = context.book.claim(context.instance, 'udp', this.local);
    this.#lost = atMostEachMinute(context.clock, times =>
      context.log.warn('datagrams not sent', { local: this.local, times }),
    );
    context.resources.add(this);
    socket.on('message', (datagram, from) => {
      if (this.#closed) return;
      try {
        receive(datagram, { host: plainHost(from.address), port: from.port });
      } catch (error) {
        context.fault(error); // the next datagram owes nothing to this one
      }
    });
    socket.on('error', () => this.#lost());
  }

  send(datagram: Uint8Array, to: Address): void {
    if (this.#closed) return;
    const isOther = to.host.includes(':') !== (this.#family === 6);
    if (isOther || this.#socket.getSendQueueSize() > MOST_QUEUED) {
      this.#lost();
      return;
    }
    try {
      this.#socket.send(datagram, to.port, to.host);
    } catch {
      this.#lost(); // port 0, or no such host
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#release();
    this.#socket.close(() => this.#context.resources.delete(this));
  }

  destroy(): void {
    this.close();
  }
}
