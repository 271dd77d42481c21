// The network of one instance: sockets of the machine, and local links of the process.

import { isIP } from 'node:net';
import { UsageError } from '../errors.ts';
import type {
  Address,
  Codec,
  DatagramSocket,
  Dns,
  Endpoint,
  LinkProtocol,
  Listener,
  Network,
  Stream,
  StreamOptions,
  StreamProtocol,
} from '../host.ts';
import type { LocalBus } from '../local-bus.ts';
import type { Pipe } from '../pipe.ts';
import type { Duration } from '../time.ts';
import { checkAddress, type SocketContext } from './context.ts';
import { bindDatagram } from './datagram.ts';
import { connectTcp, listenTcp } from './tcp.ts';
import { connectWebSocket, listenWebSocket } from './web-socket.ts';

/** What the composition knows of a name; undefined asks the DNS. */
export type NameTable = (
  name: string,
  service: Parameters<Network['resolve']>[1],
) => readonly Endpoint[] | undefined;

export class NodeNetwork implements Network {
  readonly dns: Dns;
  readonly #context: SocketContext;
  readonly #bus: LocalBus;
  readonly #names: NameTable;

  constructor(context: SocketContext, bus: LocalBus, names: NameTable, dns: Dns) {
    this.#context = context;
    this.#bus = bus;
    this.#names = names;
    this.dns = dns;
  }

  bindDatagram(
    local: Address,
    receive: (datagram: Uint8Array, from: Address) => void,
  ): Promise<DatagramSocket> {
    return bindDatagram(this.#context, local, receive);
  }

  async listen(
    protocol: StreamProtocol,
    local: Address,
    accept: (stream: Stream) => void,
    options: StreamOptions = {},
  ): Promise<Listener> {
    const isWeb = protocol === 'ws' || protocol === 'wss';
    try {
      return isWeb
        ? await listenWebSocket(this.#context, protocol, local, accept, options)
        : await listenTcp(this.#context, protocol, local, accept, options);
    } catch (error) {
      if (!(error instanceof Error) || !isKeyProblem(error)) throw error;
      throw new UsageError(
        `the key or certificate for ${protocol} is not usable: ${error.message}`,
      );
    }
  }

  connect(protocol: StreamProtocol, remote: Address, options: StreamOptions = {}): Stream {
    try {
      checkAddress(remote);
      return protocol === 'ws' || protocol === 'wss'
        ? connectWebSocket(this.#context, protocol, remote, options)
        : connectTcp(this.#context, protocol, remote, options);
    } catch (error) {
      return this.#stillborn(protocol, remote, error as Error);
    }
  }

  serveLocal<M extends object>(name: string, accept: (pipe: Pipe<M>) => void): Listener {
    const { instance, resources } = this.#context;
    const served = this.#bus.serve(instance, name, accept);
    const listener = {
      local: served.local,
      close() {
        served.close();
        resources.delete(listener);
      },
      destroy: () => served.close(),
    };
    resources.add(listener);
    return listener;
  }

  dialLocal<M extends object>(name: string, codec: Codec<M>): Pipe<M> {
    return this.#bus.dial(this.#context.instance, name, codec);
  }

  async resolve(name: string, service: 'sip' | 'diameter') {
    return isIP(name) === 0 ? this.#names(name, service) : [];
  }

  ownerOf(address: Address, link?: LinkProtocol): string | undefined {
    return this.#context.book.ownerOf(address, link);
  }

  /** Closes all that is still open; what has not gone after `grace` is cut off. */
  async close(grace: Duration): Promise<void> {
    const { resources, connections, clock } = this.#context;
    for (const resource of [...resources]) resource.close();
    const end = clock.now() + grace;
    while (resources.size > 0 && clock.now() < end) {
      await new Promise<void>(resolve => clock.after(5, resolve));
    }
    for (const resource of [...resources]) resource.destroy();
    resources.clear();
    // Handshakes under way, and what else never became a stream.
    for (const connection of [...connections]) connection.destroy();
  }

  /** A connection that could not even be tried ends like one that failed. */
  #stillborn(protocol: StreamProtocol, remote: Address, error: Error): Stream {
    const stream: Stream = {
      protocol,
      remote,
      local: { host: '0.0.0.0', port: 0 },
      queued: 0,
      send() {},
      close() {},
      onOctets() {},
      onOpen() {},
      onClosed() {},
    };
    this.#context.clock.soon(() => stream.onClosed(error.message));
    return stream;
  }
}

const isKeyProblem = (error: Error & { code?: string }): boolean =>
  error.code?.startsWith('ERR_OSSL') === true || error.code?.startsWith('ERR_SSL') === true;
