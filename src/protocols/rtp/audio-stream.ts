// One RTP session with sound in and out, RFC 3550 and RFC 3551: two sockets of the host, a packet
// every packet time, reports, and the peer's sound back in time order. The host's clock paces it.

import { AddressError } from '#kernel/errors';
import type { Address, DatagramSocket, Host, Timer } from '#kernel/host';
import { type Duration, type Instant, ms } from '#kernel/time';
import type { Keys } from '#kernel/trace';
import { type AudioSource, audioRate } from './audio-source.ts';
import { type G711Law, g711Decode, g711Encode } from './g711.ts';
import { PlayoutBuffer } from './playout-buffer.ts';
import { Reception, type ReceptionStatistics } from './reception.ts';
import { RtcpError } from './rtcp.ts';
import { RtcpReporter, reportDelay } from './rtcp-reporter.ts';
import { looksLikeRtcp, RtpView, rtpHeaderOctets, writeRtpHeader } from './rtp-packet.ts';
import { EventReceiver, EventSender } from './telephone-event.ts';
import { TracedRtp } from './traced-rtp.ts';

export interface AudioStreamSetting {
  /** The IP address to bind, which is also the one to tell the peer. */
  readonly address: string;
  /** Even ports are RTP, the next is RTCP. `from: 0` takes any two free ports. */
  readonly ports: { readonly from: number; readonly to: number };
  /** Our CNAME (§6.5.1). */
  readonly cname: string;
  /** How much later than it arrives sound is played. */
  readonly playoutDelay: Duration;
}

/** What offer and answer came to. */
export interface AudioParameters {
  readonly remote: Address;
  readonly remoteRtcp: Address;
  readonly sends: boolean;
  readonly receives: boolean;
  readonly codec: G711Law;
  readonly payloadType: number;
  /** The number of telephone-event, where the peer takes it. */
  readonly events: number | undefined;
  /** What our payload type numbers mean when they arrive. */
  readonly receive: ReadonlyMap<number, G711Law | 'telephone-event'>;
  readonly packetTime: Duration;
  /** False where both b=RS and b=RR are zero (RFC 3556 §2). */
  readonly rtcp: boolean;
}

export interface AudioStatistics {
  readonly sent: { readonly packets: number; readonly octets: number };
  readonly received: ReceptionStatistics | undefined;
  readonly playout: { readonly late: number; readonly missing: number; readonly resets: number };
  readonly roundTrip: Duration | undefined;
  /** Packets of ours lost, as the peer reports it. */
  readonly remoteLost: number | undefined;
}

const silent: AudioSource = {
  read(samples, count) {
    samples.fill(0, 0, count);
    return true;
  },
};

const maxPacketTime = ms(200);
/** After a stall longer than this, the missed packets are not sent one after the other. */
const maxCatchUp = ms(200);
/** Port pairs tried before giving up. */
const maxPortAttempts = 64;

export class AudioStream {
  /** What is sent; silence until set. */
  source: AudioSource = silent;
  /** What is heard, a packet time at a go; the samples are reused after the call. */
  onSamples: (samples: Int16Array, count: number) => void = () => {};
  onDigit: (digit: string) => void = () => {};
  /** Every packet goes into the trace under these keys; without them none does. */
  traceKeys: Keys | undefined;

  readonly #host: Host;
  readonly #address: string;
  readonly #playout: PlayoutBuffer;
  readonly #reporter: RtcpReporter;
  readonly #ssrc: number;
  readonly #view = new RtpView();
  readonly #packet = new Uint8Array(rtpHeaderOctets + (audioRate * maxPacketTime) / 1000);
  readonly #samples = new Int16Array((audioRate * maxPacketTime) / 1000);
  readonly #events = new EventReceiver();
  #rtp: DatagramSocket | undefined;
  #rtcp: DatagramSocket | undefined;
  #parameters: AudioParameters | undefined;
  #eventSender: EventSender | undefined;
  #reception: Reception | undefined;
  #sequence: number;
  #timestamp: number;
  #talking = false;
  #packets = 0;
  #octets = 0;
  #due: Instant = 0;
  #tick: Timer | undefined;
  #reportTimer: Timer | undefined;

  /** Binds a pair of ports; rejects with an AddressError when none is free. */
  static async open(host: Host, setting: AudioStreamSetting): Promise<AudioStream> {
    const stream = new AudioStream(host, setting);
    await stream.#bind(setting);
    return stream;
  }

  private constructor(host: Host, setting: AudioStreamSetting) {
    const chance = host.random.bytes(10);
    const view = new DataView(chance.buffer, chance.byteOffset);
    this.#host = host;
    this.#address = setting.address;
    this.#ssrc = view.getUint32(0);
    this.#sequence = view.getUint16(4) & 0x7fff;
    this.#timestamp = view.getUint32(6);
    const perMs = audioRate / 1000;
    this.#playout = new PlayoutBuffer(setting.playoutDelay * perMs, audioRate);
    this.#reporter = new RtcpReporter(this.#ssrc, setting.cname);
  }

  get local(): { readonly host: string; readonly port: number; readonly rtcpPort: number } {
    return {
      host: this.#address,
      port: this.#rtp?.local.port ?? 0,
      rtcpPort: this.#rtcp?.local.port ?? 0,
    };
  }

  /** Starts, or goes on with other parameters; sequence and timestamp run on. */
  start(parameters: AudioParameters): void {
    if (this.#rtp === undefined) return;
    const packetTime = Math.min(maxPacketTime, Math.max(ms(10), parameters.packetTime));
    if (this.#parameters?.packetTime !== packetTime || this.#eventSender === undefined) {
      this.#eventSender = new EventSender(audioRate, packetTime);
    }
    this.#parameters = { ...parameters, packetTime };
    if (!parameters.sends) this.#talking = false;
    if (this.#tick === undefined) {
      this.#due = this.#host.clock.now();
      this.#schedule();
    }
    if (this.#reportTimer === undefined && parameters.rtcp) this.#scheduleReport();
  }

  /** Neither sends nor receives until started again; the ports stay ours. */
  pause(): void {
    this.#tick?.cancel();
    this.#tick = undefined;
    this.#parameters = undefined;
    this.#talking = false;
  }

  /** Sends digits as telephone events (RFC 4733); false when the peer takes none, or too many wait. */
  sendDigits(digits: string, duration?: Duration): boolean {
    if (this.#parameters?.events === undefined || !this.#parameters.sends) return false;
    return this.#eventSender?.queue(digits, duration) ?? false;
  }

  get sendingDigits(): boolean {
    return this.#eventSender?.idle === false;
  }

  statistics(): AudioStatistics {
    return {
      sent: { packets: this.#packets, octets: this.#octets },
      received: this.#reception?.statistics(),
      playout: this.#playout.counters,
      roundTrip: this.#reporter.roundTrip,
      remoteLost: this.#reporter.remoteLost,
    };
  }

  /** Says goodbye and frees the ports. */
  stop(): void {
    if (this.#parameters?.rtcp === true) this.#report('session ended');
    this.#tick?.cancel();
    this.#reportTimer?.cancel();
    this.#rtp?.close();
    this.#rtcp?.close();
    this.#rtp = undefined;
    this.#rtcp = undefined;
    this.#tick = undefined;
    this.#reportTimer = undefined;
    this.#parameters = undefined;
  }

  async #bind(setting: AudioStreamSetting): Promise<void> {
    const { from, to } = setting.ports;
    const pairs = Math.max(1, Math.floor((to - from + 1) / 2));
    const first = from === 0 ? 0 : Math.floor(this.#host.random.fraction() * pairs);
    for (let i = 0; ; i++) {
      const port = from === 0 ? 0 : from + 2 * ((first + i) % pairs);
      try {
        await this.#bindPair(port);
        return;
      } catch (error) {
        const mayRetry = error instanceof AddressError && error.code === 'in use' && from !== 0;
        if (!mayRetry || i + 1 >= Math.min(pairs, maxPortAttempts)) throw error;
      }
    }
  }

  async #bindPair(port: number): Promise<void> {
    const { network } = this.#host;
    const address = { host: this.#address, port };
    const rtp = await network.bindDatagram(address, (octets, source) =>
      this.#receive(octets, source),
    );
    try {
      this.#rtcp = await network.bindDatagram(
        { host: this.#address, port: port === 0 ? 0 : port + 1 },
        (octets, source) => this.#receiveRtcp(octets, source),
      );
    } catch (error) {
      rtp.close();
      throw error;
    }
    this.#rtp = rtp;
  }

  #schedule(): void {
    const now = this.#host.clock.now();
    this.#tick = this.#host.clock.after(Math.max(0, this.#due - now), () => this.#beat());
  }

  /** One packet time: play what came, send what is to be sent. */
  #beat(): void {
    this.#tick = undefined;
    const parameters = this.#parameters;
    if (parameters === undefined) return;
    const perPacket = (audioRate * parameters.packetTime) / 1000;
    const now = this.#host.clock.now();
    do {
      if (parameters.receives) {
        this.#playout.read(this.#samples, perPacket);
        this.onSamples(this.#samples, perPacket);
      }
      if (parameters.sends) this.#send(parameters, perPacket);
      this.#timestamp = (this.#timestamp + perPacket) >>> 0;
      this.#due += parameters.packetTime;
      // Whoever heard this may have stopped, paused or changed the stream.
    } while (this.#parameters === parameters && this.#due <= now && now - this.#due <= maxCatchUp);
    if (this.#tick !== undefined || this.#parameters === undefined) return;
    if (this.#due <= now) {
      const skipped = Math.ceil((now - this.#due) / parameters.packetTime);
      this.#due += skipped * parameters.packetTime;
      this.#timestamp = (this.#timestamp + skipped * perPacket) >>> 0;
      this.#talking = false;
    }
    this.#schedule();
  }

  #send(parameters: AudioParameters, perPacket: number): void {
    const event = parameters.events === undefined ? undefined : this.#eventSender?.next();
    if (event !== undefined) {
      this.#packet.set(event.payload, rtpHeaderOctets);
      this.#transmit(
        parameters,
        event.marker,
        parameters.events!,
        (this.#timestamp - event.age) >>> 0,
        event.payload.length,
      );
      return;
    }
    if (!this.source.read(this.#samples, perPacket)) this.#samples.fill(0, 0, perPacket);
    g711Encode(parameters.codec, this.#samples, perPacket, this.#packet, rtpHeaderOctets);
    this.#transmit(parameters, !this.#talking, parameters.payloadType, this.#timestamp, perPacket);
    this.#talking = true;
  }

  #transmit(
    parameters: AudioParameters,
    marker: boolean,
    payloadType: number,
    timestamp: number,
    payloadOctets: number,
  ): void {
    writeRtpHeader(this.#packet, marker, payloadType, this.#sequence, timestamp, this.#ssrc);
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#packets++;
    this.#octets += payloadOctets;
    // The socket may keep what it is given until it is sent; the buffer is ours again at once.
    const octets = this.#packet.slice(0, rtpHeaderOctets + payloadOctets);
    this.#cross(octets, this.#rtp?.local, parameters.remote, true);
    this.#rtp?.send(octets, parameters.remote);
  }

  #receive(octets: Uint8Array, source: Address): void {
    const parameters = this.#parameters;
    if (parameters === undefined || source.host !== parameters.remote.host) return;
    this.#cross(octets, source, this.#rtp?.local, false);
    if (looksLikeRtcp(octets)) {
      this.#takeReport(octets);
      return;
    }
    const view = this.#view;
    if (!parameters.receives || !view.read(octets)) return;
    const codec = parameters.receive.get(view.payloadType);
    if (codec === undefined) return;
    const now = this.#host.clock.now();
    if (this.#reception?.ssrc !== view.ssrc) {
      this.#reception = new Reception(view.ssrc, audioRate);
      this.#playout.reset();
    }
    const count = view.payloadEnd - view.payloadStart;
    this.#reception.receive(view.sequence, view.timestamp, count, now);
    if (codec === 'telephone-event') {
      const digit = this.#events.receive(
        view.timestamp,
        octets,
        view.payloadStart,
        view.payloadEnd,
      );
      if (digit !== undefined) this.onDigit(digit);
      return;
    }
    if (count > this.#samples.length) return;
    g711Decode(codec, octets, view.payloadStart, count, this.#samples);
    this.#playout.write(view.timestamp, this.#samples, count);
  }

  #receiveRtcp(octets: Uint8Array, source: Address): void {
    if (source.host !== this.#parameters?.remoteRtcp.host) return;
    this.#cross(octets, source, this.#rtcp?.local, false);
    this.#takeReport(octets);
  }

  #takeReport(octets: Uint8Array): void {
    try {
      this.#reporter.receive(octets, this.#host.clock.now());
    } catch (error) {
      // RFC 3550 §A.2: what is not RTCP is dropped.
      if (!(error instanceof RtcpError)) throw error;
    }
  }

  #scheduleReport(): void {
    const delay = reportDelay(this.#host.random.fraction());
    this.#reportTimer = this.#host.clock.after(delay, () => {
      this.#reportTimer = undefined;
      if (this.#parameters?.rtcp !== true) return;
      this.#report();
      this.#scheduleReport();
    });
  }

  #report(goodbye?: string): void {
    const sent = { packets: this.#packets, octets: this.#octets, timestamp: this.#timestamp };
    const octets = this.#reporter.report(sent, this.#reception, this.#host.clock.now(), goodbye);
    if (this.#parameters === undefined) return;
    this.#cross(octets, this.#rtcp?.local, this.#parameters.remoteRtcp, true);
    this.#rtcp?.send(octets, this.#parameters.remoteRtcp);
  }

  /** The sender records; the receiver only what comes from outside this process. */
  #cross(
    octets: Uint8Array,
    source: Address | undefined,
    destination: Address | undefined,
    outwards: boolean,
  ): void {
    const { trace, network, name } = this.#host;
    if (this.traceKeys === undefined || !trace.enabled) return;
    if (source === undefined || destination === undefined) return;
    const peer = network.ownerOf(outwards ? destination : source);
    if (!outwards && peer !== undefined) return;
    trace.crossed({
      ...(outwards && peer !== undefined ? { to: peer } : {}),
      ...(outwards ? {} : { to: name }),
      point: 'Mb',
      protocol: 'rtp',
      link: 'udp',
      source,
      destination,
      message: new TracedRtp(outwards ? octets : octets.slice(), this.traceKeys),
    });
  }
}
