// Requests from peers: whether they can be served, in the order in which RFC 6733 wants it found
// out, and the handlers that serve them. §6.1.4–§6.2, §7

import type { Host } from '#kernel/host';
import type { AnyCommand, Application } from './application.ts';
import type { Avp } from './avp.ts';
import { Drmp, RouteRecord } from './base.ts';
import type { MalformedMessage } from './codec.ts';
import { type RequestEnvelope, readEnvelope, readRequest } from './command.ts';
import type { Connection } from './connection.ts';
import { lookup } from './dictionary.ts';
import { Duplicates } from './duplicates.ts';
import { DiameterError } from './errors.ts';
import type { Values } from './group.ts';
import { FLAG, RESERVED_FLAGS } from './header.ts';
import type { Envelope } from './make.ts';
import type { DiameterMessage } from './message.ts';
import { Reporter, SPARED_PRIORITY } from './overload.ts';

/** Who asked, and what joins the answer's decisions to the trace. */
export interface RequestContext {
  /** Origin-Host and Origin-Realm of whoever asks. */
  readonly origin: { readonly host: string; readonly realm: string };
  readonly sessionId: string;
  /** For the trace: `decide(…, { about: context.message })`. */
  readonly message: DiameterMessage;
}

export type AnyHandler = (request: Values, context: RequestContext) => unknown;

interface Served {
  readonly command: AnyCommand;
  readonly handler: AnyHandler;
}

export class Serving {
  readonly #host: Host;
  readonly #self: {
    readonly identity: string;
    readonly realm: string;
    readonly applications: readonly Application[];
  };
  readonly #envelope: Envelope;
  readonly #maxServing: number;
  readonly #reporter: Reporter;
  readonly #load: () => number;
  readonly #served = new Map<number, Map<number, Served>>();
  readonly #duplicates = new Duplicates();
  #serving = 0;
  #onIdle: (() => void)[] = [];

  constructor(
    host: Host,
    self: {
      readonly identity: string;
      readonly realm: string;
      readonly applications: readonly Application[];
    },
    envelope: Envelope,
    maxServing: number,
    load: () => number = () => 0,
  ) {
    this.#host = host;
    this.#self = self;
    this.#envelope = envelope;
    this.#maxServing = maxServing;
    this.#reporter = new Reporter(self.identity);
    this.#load = load;
    for (const { id } of self.applications) this.#served.set(id, new Map());
  }

  handle(command: AnyCommand, handler: AnyHandler): void {
    const { id } = command.application;
    const commands = this.#served.get(id) ?? new Map<number, Served>();
    this.#served.set(id, commands.set(command.code, { command, handler }));
  }

  /** Resolves when no request is being served. */
  idle(): Promise<void> {
    if (this.#serving === 0) return Promise.resolve();
    return new Promise(resolve => this.#onIdle.push(resolve));
  }

  request(connection: Connection, message: DiameterMessage): void {
    try {
      this.#check(connection, message);
    } catch (error) {
      if (!(error instanceof DiameterError)) throw error;
      this.#refuse(connection, message, error);
    }
  }

  /** A request whose AVPs cannot be told apart. */
  malformed(connection: Connection, fault: MalformedMessage): void {
    this.#refuse(connection, fault.received, fault);
  }

  #check(connection: Connection, message: DiameterMessage): void {
    checkFlags(message);
    const commands = this.#served.get(message.application);
    if (commands === undefined) {
      throw message.application === 0
        ? refusal('DIAMETER_COMMAND_UNSUPPORTED', `command ${message.code}`)
        : refusal('DIAMETER_APPLICATION_UNSUPPORTED', `application ${message.application}`);
    }
    const served = commands.get(message.code);
    if (served === undefined) {
      throw refusal('DIAMETER_COMMAND_UNSUPPORTED', `command ${message.code}`);
    }
    checkAvpFlags(message);
    const envelope = readEnvelope(message);
    this.#checkDestination(message, envelope);
    const values = readRequest(served.command, message);
    // What has priority still finds a place where the rest does not. RFC 7944 §6
    const room = isSpared(message) ? this.#maxServing * 1.25 : this.#maxServing;
    if (this.#serving >= room) {
      throw refusal('DIAMETER_TOO_BUSY', `${this.#serving} requests are being served`);
    }
    const { originHost } = envelope;
    const reply = (answer: DiameterMessage) =>
      connection.send(answer.with({ hopByHop: message.hopByHop }));
    // a link inside this process loses nothing, so that nobody sends over it twice
    const mayRepeat = connection.pipe.protocol !== 'local';
    const now = this.#host.clock.now();
    if (mayRepeat && this.#duplicates.isRepeated(message, originHost, now, reply)) return;
    void this.#serve(connection, message, served, envelope, values);
  }

  /** We are the end of the line for our realm, and no agent for any other. §6.1.4 */
  #checkDestination(message: DiameterMessage, envelope: RequestEnvelope): void {
    const { identity, realm } = this.#self;
    const records = message.all(RouteRecord);
    if (records.some(record => same(record, identity))) {
      throw refusal('DIAMETER_LOOP_DETECTED', 'it has been here');
    }
    if (!same(envelope.destinationRealm, realm)) {
      throw refusal('DIAMETER_REALM_NOT_SERVED', `realm ${envelope.destinationRealm}`);
    }
    if (envelope.destinationHost !== undefined && !same(envelope.destinationHost, identity)) {
      throw refusal('DIAMETER_UNABLE_TO_DELIVER', `host ${envelope.destinationHost}`);
    }
  }

  async #serve(
    connection: Connection,
    message: DiameterMessage,
    served: Served,
    envelope: RequestEnvelope,
    values: Values,
  ): Promise<void> {
    this.#serving++;
    const { originHost, originRealm, sessionId } = envelope;
    const origin = { host: originHost, realm: originRealm };
    try {
      const given = await this.#answer(message, served, values, { origin, sessionId, message });
      const answer = given.and(this.#reports(message));
      this.#duplicates.answered(message, originHost, answer);
      connection.send(answer);
    } finally {
      this.#serving--;
      if (this.#serving === 0) for (const done of this.#onIdle.splice(0)) done();
    }
  }

  async #answer(
    message: DiameterMessage,
    { command, handler }: Served,
    values: Values,
    context: RequestContext,
  ): Promise<DiameterMessage> {
    try {
      const { result, errorMessage, ...given } = (await handler(values, context)) as Values;
      const why = errorMessage as string | undefined;
      return this.#envelope.answer(message, command, result as string, given, why);
    } catch (error) {
      if (error instanceof DiameterError) return this.#refusal(message, error);
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#host.log.error('diameter handler failed', {
        command: command.name,
        sessionId: context.sessionId,
        why,
      });
      return this.#envelope.refusal(message, 'DIAMETER_UNABLE_TO_COMPLY');
    }
  }

  #refuse(connection: Connection, message: DiameterMessage, error: DiameterError): void {
    this.#host.log.info('diameter request refused', {
      command: message.code,
      result: error.result,
      why: error.message,
    });
    connection.send(this.#refusal(message, error).and(this.#reports(message)));
  }

  /** How busy we are, for whoever asked. */
  #reports(request: DiameterMessage): readonly Avp[] {
    const load = Math.max(this.#serving / this.#maxServing, this.#load());
    return this.#reporter.report(request, load, this.#host.clock.now());
  }

  #refusal(message: DiameterMessage, error: DiameterError): DiameterMessage {
    const { failedAvp } = error;
    return this.#envelope.refusal(message, error.result, { message: error.message, failedAvp });
  }
}

/** RFC 7944 §6: a priority that cannot be read is none. */
function isSpared(message: DiameterMessage): boolean {
  const avp = message.avps.find(avp => avp.is(Drmp));
  if (avp === undefined || avp.data.length !== 4) return false;
  return avp.data.readUInt32BE(0) <= SPARED_PRIORITY;
}

/** §7.1.3, §7.1.5 */
function checkFlags(message: DiameterMessage): void {
  if (message.flags & FLAG.error) {
    throw refusal('DIAMETER_INVALID_HDR_BITS', 'a request with the E flag');
  }
  if (message.flags & RESERVED_FLAGS) {
    throw refusal('DIAMETER_INVALID_BIT_IN_HEADER', 'a reserved flag');
  }
}

/** §7.1.3: an AVP whose V flag contradicts its Vendor-Id or what its code is known to be. */
function checkAvpFlags(message: DiameterMessage): void {
  for (const avp of message.avps) {
    const isVendorless = avp.vendor === 0 && avp.flags & 0x80;
    if (!isVendorless || lookup(0, avp.code) === undefined) continue;
    throw new DiameterError('DIAMETER_INVALID_AVP_BITS', `AVP ${avp.code} with a V flag`, {
      clause: 'RFC 6733 §7.1.3',
      failedAvp: avp,
    });
  }
}

const refusal = (result: DiameterError['result'], why: string): DiameterError =>
  new DiameterError(result, why, { clause: 'RFC 6733 §7.1' });

const same = (one: string, other: string): boolean =>
  one === other || one.toLowerCase() === other.toLowerCase();
