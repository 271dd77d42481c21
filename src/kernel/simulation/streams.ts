// Ordered octets between simulated machines: TCP as its users see it. Loss costs time (the sender
// tries again, waiting twice as long each time), a partition that lasts breaks the connection, a
// process that died answers with a reset. TLS and WebSocket are labels; a WebSocket keeps its
// message boundaries.

import type { Address, Listener, Stream, StreamOptions, StreamProtocol } from '../host.ts';
import type { Duration, Instant } from '../time.ts';
import { seconds } from '../time.ts';
import type { SimulatedEvent } from './events.ts';
import type { Bound, Listening, Machine, World } from './world.ts';

/** A SYN is repeated after this, then after twice as long. */
const CONNECT_RETRY: Duration = seconds(1);
const CONNECT_TIMEOUT: Duration = seconds(20);
/** The retransmission timeout grows no further. */
const LONGEST_RETRY: Duration = seconds(60);

/** What is on its way: octets, or the end of them. */
type Piece = Uint8Array | 'end';

export class SimulatedListener implements Listener, Bound {
  readonly machine: Machine;
  readonly owner: string;
  readonly local: Address;
  readonly listening: Listening;
  readonly #world: World;

  constructor(
    world: World,
    machine: Machine,
    protocol: StreamProtocol,
    asked: Address,
    accept: (stream: Stream) => void,
    options: StreamOptions | undefined,
  ) {
    this.#world = world;
    this.machine = machine;
    this.owner = machine.name;
    this.local = world.addresses.place(machine.name, 'stream', asked);
    this.listening = { protocol, options, accept };
    world.addresses.bind('stream', this);
  }

  close(): void {
    this.#world.addresses.release('stream', this);
  }
}

/** One end of a connection. */
export class SimulatedStream implements Stream, Bound {
  readonly machine: Machine;
  readonly owner: string;
  readonly protocol: StreamProtocol;
  readonly local: Address;
  readonly remote: Address;
  onOctets: (octets: Uint8Array) => void = () => {};
  onOpen: () => void = () => {};
  onClosed: (reason: string) => void = () => {};
  readonly #world: World;
  readonly #outbox: Piece[] = [];
  #peer: SimulatedStream | undefined;
  #state: 'connecting' | 'open' | 'closed' = 'connecting';
  #queued = 0;
  /** Octets arrive in the order sent, so none before this. */
  #lastArrival: Instant = 0;
  /** A server's end, until the client was answered: its octets wait behind the answer. */
  #held = false;
  #stalled: { readonly since: Instant; retryAfter: Duration } | undefined;
  #retry: SimulatedEvent | undefined;

  constructor(
    world: World,
    machine: Machine,
    protocol: StreamProtocol,
    local: Address,
    remote: Address,
  ) {
    this.#world = world;
    this.machine = machine;
    this.owner = machine.name;
    this.protocol = protocol;
    this.local = local;
    this.remote = remote;
  }

  get queued(): number {
    return this.#queued;
  }

  send(octets: Uint8Array): void {
    if (this.#state === 'closed' || !this.machine.alive) return;
    this.#queued += octets.length;
    this.#outbox.push(new Uint8Array(octets));
    if (this.#state === 'open') this.#transmit();
  }

  close(): void {
    if (this.#state === 'closed' || !this.machine.alive) return;
    const wasOpen = this.#state === 'open';
    this.#end('closed');
    if (!wasOpen) return;
    this.#outbox.push('end');
    this.#transmit();
  }

  /** The process died: the machine's kernel resets the connection, whatever was queued is lost. */
  abort(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#release();
    this.#abandon();
    this.#sendReset();
  }

  // ------------------------------------------------------------------------------ connecting

  /** Begins as a client. The local address is bound until the connection closes. */
  connect(options: StreamOptions | undefined): void {
    this.#world.addresses.bind('stream', this);
    streamsOf(this.machine).add(this);
    this.#sendSyn(options, this.#world.now + CONNECT_TIMEOUT, CONNECT_RETRY);
  }

  #sendSyn(options: StreamOptions | undefined, deadline: Instant, retryAfter: Duration): void {
    const world = this.#world;
    if (this.#state !== 'connecting') return;
    if (world.now >= deadline) {
      world.failed();
      this.#end('timed out');
      return;
    }
    const again = () => this.#sendSyn(options, deadline, retryAfter * 2);
    const retry = world.at(Math.min(world.now + retryAfter, deadline), again, this.machine);
    const arrival = this.#passage('out');
    if (arrival === undefined) return;
    world.at(arrival, () => this.#synArrived(options, retry));
  }

  #synArrived(options: StreamOptions | undefined, retry: SimulatedEvent): void {
    if (this.#state !== 'connecting' || !this.machine.alive || this.#peer !== undefined) return;
    const world = this.#world;
    const listener = world.addresses.find('stream', this.remote);
    const listening = listener?.machine.alive ? listener.listening : undefined;
    const problem =
      listening === undefined ? 'refused' : mismatch(this.protocol, options, listening);
    if (listener === undefined || listening === undefined || problem !== undefined) {
      const arrival = this.#passage('back');
      if (arrival !== undefined) world.at(arrival, () => this.#end(problem!), this.machine);
      return;
    }
    const far = new SimulatedStream(
      world,
      listener.machine,
      this.protocol,
      this.remote,
      this.local,
    );
    far.#peer = this;
    far.#state = 'open';
    far.#held = true;
    this.#peer = far;
    retry.cancel();
    streamsOf(listener.machine).add(far);
    (listening.accept as (stream: Stream) => void)(far);
    far.#answerSyn(this);
  }

  #answerSyn(client: SimulatedStream): void {
    const world = this.#world;
    const arrival = this.#passage('out');
    if (arrival === undefined) {
      if (client.#state !== 'connecting') return;
      world.at(world.now + CONNECT_RETRY, () => this.#answerSyn(client), this.machine);
      return;
    }
    this.#lastArrival = arrival;
    world.at(arrival, () => client.#opened(), client.machine);
    this.#held = false;
    if (this.#outbox.length > 0) this.#transmit();
  }

  #opened(): void {
    if (this.#state !== 'connecting') {
      this.#sendReset();
      return;
    }
    this.#state = 'open';
    this.onOpen();
    if (this.#outbox.length > 0) this.#transmit();
  }

  // -------------------------------------------------------------------------------- carrying

  /** Sends what is in the outbox, unless an earlier piece is still being repeated. */
  #transmit(): void {
    if (this.#held || this.#stalled !== undefined) return;
    const arrival = this.#passage('out');
    if (arrival === undefined) {
      this.#stall();
      return;
    }
    const pieces = this.#outbox.splice(0);
    this.#carry(pieces, arrival);
  }

  #carry(pieces: readonly Piece[], arrival: Instant): void {
    const world = this.#world;
    this.#lastArrival = Math.max(this.#lastArrival, arrival);
    for (const piece of pieces) {
      if (piece === 'end') {
        world.at(this.#lastArrival, () => this.#endPeer());
        continue;
      }
      for (const part of this.#chop(piece)) {
        world.at(this.#lastArrival, () => this.#deliver(part));
      }
    }
  }

  #chop(piece: Uint8Array): readonly Uint8Array[] {
    if (this.protocol === 'ws' || this.protocol === 'wss') return [piece];
    const far = this.#farOwner();
    if (far === undefined || far === this.owner) return [piece];
    const at = this.#world.links.direction(this.owner, far).cut(piece.length);
    return at === undefined ? [piece] : [piece.subarray(0, at), piece.subarray(at)];
  }

  #stall(): void {
    const { now, streamTimeout } = this.#world;
    const far = this.#farOwner() ?? this.owner;
    const first = this.#world.links.direction(this.owner, far).retransmitAfter;
    this.#stalled ??= { since: now, retryAfter: first };
    const stalled = this.#stalled;
    const broken = stalled.since + streamTimeout;
    if (now >= broken) {
      this.#break();
      return;
    }
    this.#retry = this.#world.at(Math.min(now + stalled.retryAfter, broken), () => this.#repeat());
    stalled.retryAfter = Math.min(stalled.retryAfter * 2, LONGEST_RETRY);
  }

  #repeat(): void {
    this.#retry = undefined;
    const arrival = this.#passage('out');
    if (arrival === undefined) {
      this.#stall();
      return;
    }
    this.#stalled = undefined;
    this.#carry(this.#outbox.splice(0), arrival);
  }

  #break(): void {
    this.#world.failed();
    this.#abandon();
    this.#end('timed out');
  }

  #deliver(octets: Uint8Array): void {
    this.#queued -= octets.length;
    const peer = this.#peer;
    if (peer === undefined) return;
    if (peer.#state === 'closed' || !peer.machine.alive) {
      peer.#sendReset();
      return;
    }
    peer.onOctets(octets);
  }

  // --------------------------------------------------------------------------------- closing

  #sendReset(): void {
    const peer = this.#peer;
    if (peer === undefined || peer.#state === 'closed') return;
    const arrival = this.#passage('out');
    if (arrival === undefined) return; // the peer learns when it next sends
    this.#lastArrival = Math.max(this.#lastArrival, arrival);
    this.#world.at(this.#lastArrival, () => peer.#reset());
  }

  #endPeer(): void {
    if (this.#peer !== undefined) this.#peer.#end('closed by peer');
  }

  #reset(): void {
    this.#abandon();
    this.#end('reset');
  }

  #abandon(): void {
    this.#outbox.length = 0;
    this.#queued = 0;
    this.#retry?.cancel();
    this.#retry = undefined;
  }

  /** The owner is told in a later turn, once. What is still in the outbox goes on being sent. */
  #end(reason: string): void {
    if (this.#state === 'closed' || !this.machine.alive) return;
    this.#state = 'closed';
    this.#release();
    this.#world.at(this.#world.now, () => this.onClosed(reason), this.machine);
  }

  #release(): void {
    this.#world.addresses.release('stream', this);
    streamsOf(this.machine).delete(this);
  }

  /** When something sent now arrives at the other end, or from there; undefined: it is lost. */
  #passage(way: 'out' | 'back'): Instant | undefined {
    const { links, now } = this.#world;
    const far = this.#farOwner();
    if (far === undefined) return undefined;
    if (far === this.owner) return now;
    const direction =
      way === 'out' ? links.direction(this.owner, far) : links.direction(far, this.owner);
    return direction.segment(now);
  }

  #farOwner(): string | undefined {
    if (this.#peer !== undefined) return this.#peer.owner;
    const { addresses } = this.#world;
    return addresses.find('stream', this.remote)?.owner ?? addresses.machineOf(this.remote.host);
  }
}

const openStreams = new WeakMap<Machine, Set<SimulatedStream>>();

/** The connections that end at `machine`, in the order opened. */
export function streamsOf(machine: Machine): Set<SimulatedStream> {
  let streams = openStreams.get(machine);
  if (streams === undefined) {
    streams = new Set();
    openStreams.set(machine, streams);
  }
  return streams;
}

/** Why the two ends cannot speak, where they cannot. */
function mismatch(
  protocol: StreamProtocol,
  options: StreamOptions | undefined,
  listening: Listening,
): string | undefined {
  if (protocol !== listening.protocol) return 'handshake failed';
  if (protocol !== 'ws' && protocol !== 'wss') return undefined;
  const asked = options?.webSocket;
  const served = listening.options?.webSocket;
  const agrees = asked?.path === served?.path && asked?.subprotocol === served?.subprotocol;
  return agrees ? undefined : 'handshake failed';
}
