// What a network does with three times the load it can carry: registrations by digest at rising rates
// until one is not sustained, then three times that, then half of it. Tells the goodput of each, what
// was refused, and how long those took that came through.
// `node bench/overload.ts [SECONDS]`

import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readSettings } from '#operation/cli/settings';
import { runNetwork } from '#operation/run-network';

const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';
const USERS = 20_000;
/** Registrations per second to begin with, and by what each further rate is higher. */
const FIRST = 100;
const STEP = 1.25;
/** A rate is sustained where so many of its registrations succeed. */
const SUSTAINED = 0.9;
/** Milliseconds: first retransmission (T1), and when a phone gives up here. */
const T1 = 500;
const PATIENCE = 8000;

interface Figures {
  readonly offered: number;
  /** Registrations that succeeded, per second of the load. */
  readonly goodput: number;
  readonly refused: number;
  readonly lost: number;
  /** Milliseconds of those that succeeded. */
  readonly p50: number;
  readonly p99: number;
}

/** The network, in a process of its own. */
async function serve(): Promise<void> {
  const settings = readSettings(undefined, [
    'store.kind=memory',
    'pcscf.regEvent=false',
    'log.level=error',
    ...['udp', 'tcp', 'tls', 'ws', 'wss'].map(name => `pcscf.${name}=0`),
  ]);
  const subscribers = Array.from({ length: USERS }, (_, n) => ({
    imsi: String(1_010_000_100_000 + n).padStart(15, '0'),
    name: `u${n}`,
    password: `p${n}`,
  }));
  const running = await runNetwork({ ...settings, subscribers } as typeof settings, {
    ports: 'ephemeral',
  });
  const gm = running.network.listening.find(
    ({ point, protocol }) => point === 'Gm' && protocol === 'udp',
  );
  process.send?.(gm?.address.port);
  process.on('disconnect', () => process.exit());
}

async function bench(seconds: number): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['serve']);
  const port = await new Promise<number>(resolve => child.once('message', resolve));
  const load = await Load.open(port);
  await load.run(FIRST, 3); // what is compiled at first use is compiled now
  let best: Figures | undefined;
  for (let rate = FIRST; ; rate = Math.round(rate * STEP)) {
    const figures = await load.run(rate, seconds);
    tell(`${rate}/s`, figures);
    if (figures.goodput > (best?.goodput ?? 0)) best = figures;
    if (figures.goodput < SUSTAINED * rate) break;
    await sleep(500);
  }
  const highest = best!.goodput;
  const over = await load.run(Math.round(3 * highest), 2 * seconds);
  tell('three times the best', over);
  const under = await load.run(Math.round(highest / 2), 2);
  tell('half of it, at once after', under);
  console.log(
    `goodput at three times the load: ${percent(over.goodput / highest)} of the best; ` +
      `after it ${percent(under.goodput / under.offered)} succeed`,
  );
  load.close();
  child.kill();
}

function tell(what: string, { goodput, refused, lost, p50, p99 }: Figures): void {
  console.log(
    `${what.padEnd(26)} ${goodput.toFixed(0).padStart(5)} good/s  ${percent(refused)} refused  ` +
      `${percent(lost)} lost  p50 ${p50.toFixed(0)} ms  p99 ${p99.toFixed(0)} ms`,
  );
}

const percent = (share: number): string => `${(100 * share).toFixed(0).padStart(3)} %`;

interface Attempt {
  readonly user: number;
  readonly callId: string;
  readonly started: number;
  sent: Buffer;
  branch: number;
  answered: boolean;
  outcome: 'good' | 'refused' | undefined;
  took: number;
}

/** Phones that register, all from one socket: the load is open, it does not wait for answers. */
class Load {
  readonly #socket = createSocket({ type: 'udp4', recvBufferSize: 8 * 1024 * 1024 });
  readonly #attempts = new Map<string, Attempt>();
  #own = 0;
  #user = 0;
  #serial = 0;

  static async open(port: number): Promise<Load> {
    const load = new Load();
    await new Promise<void>(resolve => load.#socket.bind(0, '127.0.0.1', resolve));
    load.#own = load.#socket.address().port;
    await new Promise<void>(resolve => load.#socket.connect(port, '127.0.0.1', resolve));
    load.#socket.on('message', octets => load.#heard(octets.toString('latin1')));
    return load;
  }

  close(): void {
    this.#socket.close();
  }

  async run(rate: number, seconds: number): Promise<Figures> {
    const all: Attempt[] = [];
    const start = performance.now();
    for (let due = 0; due < rate * seconds; ) {
      const elapsed = performance.now() - start;
      for (; due < Math.min((rate * elapsed) / 1000, rate * seconds); due++)
        all.push(this.#begin());
      await sleep(2);
    }
    const last = performance.now();
    while (performance.now() < last + PATIENCE && all.some(({ outcome }) => !outcome)) {
      await sleep(20);
    }
    this.#attempts.clear();
    const good = all.filter(({ outcome }) => outcome === 'good');
    const times = good.map(({ took }) => took).sort((a, b) => a - b);
    const refused = all.filter(({ outcome }) => outcome === 'refused').length;
    return {
      offered: all.length / seconds,
      goodput: good.length / seconds,
      refused: refused / all.length,
      lost: (all.length - good.length - refused) / all.length,
      p50: times[Math.floor(times.length / 2)] ?? 0,
      p99: times[Math.floor(0.99 * times.length)] ?? 0,
    };
  }

  #begin(): Attempt {
    const user = this.#user++ % USERS;
    const callId = `o${++this.#serial}`;
    const attempt: Attempt = {
      user,
      callId,
      started: performance.now(),
      sent: Buffer.alloc(0),
      branch: 0,
      answered: false,
      outcome: undefined,
      took: 0,
    };
    this.#attempts.set(callId, attempt);
    this.#send(attempt, '');
    return attempt;
  }

  #send(attempt: Attempt, authorization: string): void {
    const { user, callId } = attempt;
    attempt.branch++;
    attempt.answered = false;
    const contact = `sip:u${user}@127.0.0.1:${this.#own}`;
    attempt.sent = Buffer.from(
      `REGISTER sip:${HOME} SIP/2.0\r\n` +
        `Via: SIP/2.0/UDP 127.0.0.1:${this.#own};branch=z9hG4bK${callId}x${attempt.branch}\r\n` +
        `Max-Forwards: 70\r\nFrom: <sip:u${user}@${HOME}>;tag=${callId}\r\nTo: <sip:u${user}@${HOME}>\r\n` +
        `Call-ID: ${callId}\r\nCSeq: ${attempt.branch} REGISTER\r\nContact: <${contact}>;expires=600\r\n` +
        `${authorization}Content-Length: 0\r\n\r\n`,
    );
    this.#socket.send(attempt.sent);
    this.#again(attempt, attempt.branch, T1);
  }

  /** Timer E of RFC 3261 §17.1.2.2. */
  #again(attempt: Attempt, branch: number, after: number): void {
    setTimeout(() => {
      const isOver = attempt.answered || attempt.branch !== branch || attempt.outcome !== undefined;
      if (isOver || !this.#attempts.has(attempt.callId)) return;
      this.#socket.send(attempt.sent);
      this.#again(attempt, branch, Math.min(2 * after, 4000));
    }, after);
  }

  #heard(text: string): void {
    const status = Number(text.slice(8, 11));
    const attempt = this.#attempts.get(/\r\nCall-ID: (\S+)/i.exec(text)?.[1] ?? '');
    if (attempt === undefined || status < 200 || attempt.outcome !== undefined) return;
    if (Number(/\r\nCSeq: (\d+)/i.exec(text)?.[1]) !== attempt.branch) return;
    attempt.answered = true;
    attempt.took = performance.now() - attempt.started;
    if (status === 200) attempt.outcome = 'good';
    else if (status !== 401) attempt.outcome = 'refused';
    else this.#send(attempt, authorizationOf(attempt.user, text));
  }
}

function authorizationOf(user: number, challenge: string): string {
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
  const nonce = /nonce="([^"]*)"/.exec(challenge)?.[1] ?? '';
  const realm = /realm="([^"]*)"/.exec(challenge)?.[1] ?? '';
  const name = `u${user}@${HOME}`;
  const ha1 = md5(`${name}:${realm}:p${user}`);
  const ha2 = md5(`REGISTER:sip:${HOME}`);
  const response = md5(`${ha1}:${nonce}:00000001:c:auth:${ha2}`);
  return (
    `Authorization: Digest username="${name}",realm="${realm}",nonce="${nonce}",uri="sip:${HOME}",` +
    `response="${response}",algorithm=MD5,qop=auth,nc=00000001,cnonce="c"\r\n`
  );
}

if (process.argv[2] === 'serve') await serve();
else await bench(Number(process.argv[2] ?? 6));
