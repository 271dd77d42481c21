// Connections that others opened, until their CER has said who they are. RFC 6733 §5.3, §5.6

import type { Host, Timer } from '#kernel/host';
import { seconds } from '#kernel/time';
import type { RequestOf } from './application.ts';
import { CapabilitiesExchange } from './base.ts';
import { commonCapabilities, type Identity } from './capabilities.ts';
import { readRequest } from './command.ts';
import type { Connection } from './connection.ts';
import { DiameterError } from './errors.ts';
import type { Envelope } from './make.ts';
import type { DiameterMessage } from './message.ts';
import type { RemotePeer } from './remote-peer.ts';

/** How long a connection may be silent before its CER. */
const CER_TIMEOUT = seconds(5);

export interface AdmissionSurroundings {
  readonly host: Host;
  readonly self: Identity;
  readonly envelope: Envelope;
  readonly maxConnections: number;
  /** The peer that a CER's Origin-Host means; undefined for one that is not ours. */
  readonly peerFor: (identity: string) => RemotePeer | undefined;
}

export class Admission {
  readonly #around: AdmissionSurroundings;
  /** Connections without a CER so far. */
  readonly #unknown = new Map<Connection, Timer>();

  constructor(around: AdmissionSurroundings) {
    this.#around = around;
  }

  take(connection: Connection): void {
    const { host, maxConnections } = this.#around;
    if (this.#unknown.size >= maxConnections) {
      connection.close('too many connections');
      return;
    }
    const timer = host.clock.after(CER_TIMEOUT, () => this.#drop(connection, 'no CER in time'));
    this.#unknown.set(connection, timer);
    connection.onClosed = () => this.#forget(connection);
    connection.onMalformed = () => this.#drop(connection, 'a malformed message before the CER');
    connection.onMessage = message => {
      this.#forget(connection);
      this.#admit(connection, message);
    };
  }

  stop(): void {
    for (const connection of [...this.#unknown.keys()]) this.#drop(connection, 'stopping');
  }

  #admit(connection: Connection, cer: DiameterMessage): void {
    const { self, host, peerFor } = this.#around;
    if (!cer.isRequest || cer.application !== 0 || cer.code !== CapabilitiesExchange.code) {
      this.#drop(connection, 'no CER');
      return;
    }
    try {
      const said = readRequest(CapabilitiesExchange, cer) as RequestOf<typeof CapabilitiesExchange>;
      const common = commonCapabilities(self, said);
      if (typeof common === 'string') {
        throw new DiameterError(common, `capabilities of ${said.originHost}`);
      }
      const peer = peerFor(said.originHost);
      if (peer === undefined) throw new DiameterError('DIAMETER_UNKNOWN_PEER', said.originHost);
      connection.capabilities = common;
      peer.offer({ connection, cer });
    } catch (error) {
      if (!(error instanceof DiameterError)) throw error;
      host.log.warn('diameter CER refused', { result: error.result, why: error.message });
      this.#decide(error.result, connection, error.message, cer);
      this.#refuse(connection, cer, error);
    }
  }

  #refuse(connection: Connection, cer: DiameterMessage, error: DiameterError): void {
    const { failedAvp, result, message } = error;
    connection.send(this.#around.envelope.refusal(cer, result, { message, failedAvp }));
    connection.close(result);
  }

  #drop(connection: Connection, reason: string): void {
    this.#forget(connection);
    this.#decide('closed', connection, reason);
    connection.close(reason);
  }

  #decide(chose: string, { pipe }: Connection, because: string, about?: DiameterMessage): void {
    const { trace } = this.#around.host;
    if (!trace.enabled) return;
    trace.decide('diameter.peer', {
      chose,
      because: `${pipe.remote.host}:${pipe.remote.port}: ${because}`,
      clause: 'RFC 6733 §5.3',
      ...(about === undefined ? {} : { about }),
    });
  }

  #forget(connection: Connection): void {
    this.#unknown.get(connection)?.cancel();
    this.#unknown.delete(connection);
  }
}
