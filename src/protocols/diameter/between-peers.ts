// What two peers say to each other and to nobody else: CER, DWR, DPR and their answers.
// RFC 6733 §5.3–§5.5

import type { Host } from '#kernel/host';
import type { AnswerOf, RequestOf } from './application.ts';
import { CapabilitiesExchange, DeviceWatchdog, DisconnectPeer } from './base.ts';
import {
  type Capabilities,
  commonCapabilities,
  type Identity,
  ourCapabilities,
} from './capabilities.ts';
import { type Command, readAnswer, readRequest } from './command.ts';
import type { Connection } from './connection.ts';
import { DiameterError } from './errors.ts';
import { FLAG } from './header.ts';
import type { Envelope } from './make.ts';
import { DiameterMessage } from './message.ts';
import { isSuccessName } from './result.ts';

export class BetweenPeers {
  readonly #host: Host;
  readonly #self: Identity;
  readonly #envelope: Envelope;
  readonly #hostAddresses: readonly string[] | undefined;

  constructor(
    host: Host,
    self: Identity,
    envelope: Envelope,
    hostAddresses: readonly string[] | undefined,
  ) {
    this.#host = host;
    this.#self = self;
    this.#envelope = envelope;
    this.#hostAddresses = hostAddresses;
  }

  /** Sends a request of its own. */
  ask(connection: Connection, name: 'CER' | 'DWR' | 'DPR'): void {
    const [command, values] =
      name === 'CER'
        ? [CapabilitiesExchange, this.#capabilities(connection)]
        : name === 'DWR'
          ? [DeviceWatchdog, this.#origin()]
          : [DisconnectPeer, { ...this.#origin(), cause: 'REBOOTING' }];
    const hopByHop = connection.nextHopByHop();
    const endToEnd = Buffer.from(this.#host.random.bytes(4)).readUInt32BE(0);
    const header = { flags: FLAG.request, code: command.code, application: 0, hopByHop, endToEnd };
    const avps = this.#envelope.base(command, { ...values });
    connection.send(new DiameterMessage(header, avps));
  }

  /** Answers that all is well. */
  answer(connection: Connection, request: DiameterMessage, command: Command): void {
    const values =
      command === CapabilitiesExchange ? this.#capabilities(connection) : this.#origin();
    const answer = this.#envelope.answer(request, command, 'DIAMETER_SUCCESS', { ...values });
    connection.send(answer);
  }

  /** What a CEA grants, or why it does not do. */
  granted(cea: DiameterMessage): Capabilities | string {
    try {
      const values = readAnswer(CapabilitiesExchange, cea, problem => {
        this.#host.log.warn('diameter CEA with a bad element', { why: problem.message });
      });
      if (!isSuccessName(values.result)) return values.result;
      return commonCapabilities(this.#self, values as AnswerOf<typeof CapabilitiesExchange>);
    } catch (error) {
      if (error instanceof DiameterError) return error.message;
      throw error;
    }
  }

  /** Whether who says goodbye means to be back; a cause that cannot be read is the friendliest. */
  comesBack(dpr: DiameterMessage): boolean {
    try {
      const { cause } = readRequest(DisconnectPeer, dpr) as RequestOf<typeof DisconnectPeer>;
      return cause === 'REBOOTING';
    } catch (error) {
      if (error instanceof DiameterError) return true;
      throw error;
    }
  }

  #origin(): { originHost: string; originRealm: string; originStateId: number } {
    const { identity, realm, originStateId } = this.#self;
    return { originHost: identity, originRealm: realm, originStateId };
  }

  #capabilities(connection: Connection) {
    return ourCapabilities(this.#self, this.#hostAddresses ?? [connection.pipe.local.host]);
  }
}
