// Somebody on the access network with a socket and bad manners: sends what octets he likes to the
// P-CSCF, and sees what comes back.

import type { DatagramSocket } from '#kernel/host';
import { type Duration, seconds } from '#kernel/time';
import { sipCodec } from '#sip/codec';
import { Via } from '#sip/headers';
import { replaceFirst, type SipMessage, type SipRequest, SipResponse } from '#sip/message';
import type { Lab } from './lab.ts';

export class Stranger {
  readonly received: SipMessage[];
  readonly #lab: Lab;
  readonly #socket: DatagramSocket;

  /** Sits at that IPv4 address, on the port of SIP. */
  static async come(lab: Lab, ipv4 = '192.0.2.66'): Promise<Stranger> {
    const received: SipMessage[] = [];
    const { network } = lab.simulation.host('mallory', { ipv4 });
    const socket = await network.bindDatagram({ host: ipv4, port: 5060 }, octets =>
      received.push(sipCodec.decode(octets)),
    );
    return new Stranger(lab, socket, received);
  }

  private constructor(lab: Lab, socket: DatagramSocket, received: SipMessage[]) {
    this.received = received;
    this.#lab = lab;
    this.#socket = socket;
  }

  /** Sends a request as a new transaction of his own; the status of its final response, if any. */
  async says(request: SipRequest, patience: Duration = seconds(10)): Promise<number | undefined> {
    const { random } = this.#lab.simulation.host('mallory');
    const { local } = this.#socket;
    const via = request.get(Via)!;
    const params = new Map(via.params).set('branch', `z9hG4bK${random.hex(8)}`).set('rport', null);
    this.received.length = 0;
    this.repeats(
      request.with(replaceFirst(Via, { ...via, host: local.host, port: local.port, params })),
    );
    const final = (): number | undefined =>
      this.received.find(
        (message): message is SipResponse =>
          message instanceof SipResponse && message.status >= 200,
      )?.status;
    const end = this.#lab.simulation.now() + patience;
    while (final() === undefined && this.#lab.simulation.now() < end) await this.#lab.sleep(100);
    return final();
  }

  /** Sends it octet for octet. */
  repeats(request: SipRequest): void {
    const [gm] = this.#lab.network.listening.filter(
      ({ point, protocol }) => point === 'Gm' && protocol === 'udp',
    );
    this.#socket.send(request.encode(), gm!.address);
  }
}
