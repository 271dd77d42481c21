// What one emulated UE is told: who it is, how it proves that, and where it finds its P-CSCF.

import { createHash } from 'node:crypto';
import { UsageError } from '#kernel/errors';
import type { StreamOptions } from '#kernel/host';
import { type Duration, minutes, ms, seconds } from '#kernel/time';
import { networkTimers, type TimerValues } from '#sip/transaction/timers';

/** A SIM with Milenage, TS 31.102 and TS 35.206. */
export interface SimCard {
  readonly kind: 'sim';
  readonly imsi: string;
  /** 16 octets each. */
  readonly k: Uint8Array;
  readonly opc: Uint8Array;
}

/** SIP digest without a SIM, TS 24.229 §5.1.1.2.3. */
export interface Password {
  readonly kind: 'password';
  /** The IMPI as the UE spells it; `@<home>` is not added. */
  readonly username: string;
  readonly password: string;
}

export interface UeConfig {
  /** Home network domain name: realm and Request-URI of REGISTER (TS 23.003 §13.2). */
  readonly home: string;
  readonly credentials: SimCard | Password;
  /** The public identity to register. Default sip:<imsi>@<home> of a SIM (TS 23.003 §13.4B). */
  readonly impu: string;
  /** The name shown to people called. Default none. */
  readonly displayName: string | undefined;
  /**
   * The P-CSCF, a SIP URI: `sip:127.0.0.1:5060;transport=tcp`, `sips:`, or a name the host's
   * network resolves. Without transport UDP, TCP for requests over 1300 octets.
   */
  readonly pcscf: string;
  /** IP address of the UE; its SIP port, 0 for any. */
  readonly address: string;
  readonly port: number;
  /** Ports for RTP, even, with RTCP on the next (interface.md §2); `from: 0` takes any. */
  readonly rtpPorts: { readonly from: number; readonly to: number };
  /** SIP timers, TS 24.229 table 7.7.1. Default those of a fixed line; `radioTimers` for LTE. */
  readonly timers: TimerValues;
  /** +sip.instance (RFC 5626 §4.1). Default derived from the private identity. */
  readonly instance: string;
  /** P-Access-Network-Info (TS 24.229 §7.2A.4). */
  readonly accessNetwork: string;
  readonly userAgent: string;
  /** Seconds to ask for, TS 24.229 §5.1.1.2.1. Default 600 000 s. */
  readonly expires: Duration;
  /** Subscribe to the reg event package, TS 24.229 §5.1.1.3. */
  readonly regEvent: boolean;
  /** After a failure that may pass, try again after a growing time, TS 24.229 §5.1.1.2.1. */
  readonly retry: boolean;
  /** base-time and max-time of RFC 5626 §4.5, as TS 24.229 §5.1.1.2.1 sets them. */
  readonly retryBase: Duration;
  readonly retryMaximum: Duration;
  /**
   * Register the flow, so that requests come back over it (RFC 5626 §4.2, TS 24.229 §5.1.1.2.1), and
   * ask for GRUUs (RFC 5627 §4.1), by which dialogs then know this device. Default true.
   */
  readonly outbound: boolean;
  readonly gruu: boolean;
  /** CRLF keep-alive on connections (RFC 5626 §4.4.1); 0 for none. */
  readonly keepAlive: Duration;
  /** For TLS and WebSocket towards the P-CSCF. */
  readonly tls: StreamOptions['tls'];
  readonly webSocket: StreamOptions['webSocket'];
  /** Put every RTP and RTCP packet into the trace. Default false: they push out all else. */
  readonly traceMedia: boolean;
  /** What calls are like unless one says otherwise. */
  readonly calls: CallDefaults;
}

export interface CallDefaults {
  /** Preconditions (RFC 3312, TS 24.229 §5.1.3.1). Default true. */
  readonly preconditions: boolean;
  /**
   * How long our resources take to be reserved. Default 20 ms; with 0 they are there from the
   * start, as on an access without dedicated bearers.
   */
  readonly reservation: Duration;
  /** Who takes incoming calls: whoever holds the UE, or the UE itself after `ringing`. */
  readonly answering: 'manual' | 'automatic';
  readonly ringing: Duration;
  /** Calls at once; a further one is 486 (TS 24.229 §5.1.4.1). Default 10. */
  readonly atOnce: number;
  /** An unanswered outgoing call is cancelled after this. */
  readonly noAnswer: Duration;
  /** Sound later than it arrives by so much. */
  readonly playoutDelay: Duration;
  /** Milliseconds of sound per packet (RFC 3551 §4.5). */
  readonly packetTime: Duration;
  /** Codecs by preference. */
  readonly codecs: readonly ('PCMA' | 'PCMU')[];
}

export type UeSettings = Omit<Partial<UeConfig>, 'calls'> &
  Pick<UeConfig, 'home' | 'credentials' | 'pcscf' | 'address'> & {
    readonly calls?: Partial<CallDefaults>;
  };

/** Fills in the defaults. Throws a UsageError naming the field that cannot be. */
export function ueConfig(settings: UeSettings): UeConfig {
  const { home, credentials } = settings;
  if (credentials.kind === 'sim') {
    if (!/^\d{6,15}$/.test(credentials.imsi)) {
      throw new UsageError(`imsi: '${credentials.imsi}' is not 6 to 15 digits`);
    }
    for (const field of ['k', 'opc'] as const) {
      if (credentials[field].length !== 16) throw new UsageError(`${field}: must have 16 octets`);
    }
  } else if (settings.impu === undefined && !credentials.username.includes('@')) {
    throw new UsageError('impu: must be given where the username has no domain');
  }
  return {
    impu: `sip:${impiOf(home, credentials)}`,
    displayName: undefined,
    port: 0,
    rtpPorts: { from: 0, to: 0 },
    timers: networkTimers,
    instance: instanceOf(impiOf(home, credentials)),
    accessNetwork: 'IEEE-802.11;i-wlan-node-id=020000000001',
    userAgent: 'Carillon UE',
    expires: seconds(600_000),
    regEvent: true,
    retry: true,
    retryBase: seconds(30),
    retryMaximum: minutes(30),
    outbound: true,
    gruu: true,
    keepAlive: seconds(100),
    tls: undefined,
    webSocket: undefined,
    traceMedia: false,
    ...settings,
    calls: {
      preconditions: true,
      reservation: ms(20),
      answering: 'manual',
      ringing: seconds(2),
      atOnce: 10,
      noAnswer: minutes(3),
      playoutDelay: ms(60),
      packetTime: ms(20),
      codecs: ['PCMA', 'PCMU'],
      ...settings.calls,
    },
  };
}

/** The private identity: of a SIM by TS 23.003 §13.3, else the username. */
export function impiOf(home: string, credentials: SimCard | Password): string {
  return credentials.kind === 'sim' ? `${credentials.imsi}@${home}` : credentials.username;
}

/** The home domain of a SIM without ISIM, TS 23.003 §13.2: from the IMSI and the MNC's length. */
export function homeOf(imsi: string, mncDigits: 2 | 3): string {
  const mcc = imsi.slice(0, 3);
  const mnc = imsi.slice(3, 3 + mncDigits).padStart(3, '0');
  return `ims.mnc${mnc}.mcc${mcc}.3gppnetwork.org`;
}

/** A UUID that is the same whenever this UE starts, as RFC 5626 §4.1 wants (RFC 9562 version 8). */
function instanceOf(impi: string): string {
  const hex = createHash('sha256').update(`carillon ue ${impi}`).digest('hex');
  const variant = (8 + (Number.parseInt(hex[16]!, 16) & 3)).toString(16);
  const groups = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return `urn:uuid:${[...groups, variant + hex.slice(17, 20), hex.slice(20, 32)].join('-')}`;
}
