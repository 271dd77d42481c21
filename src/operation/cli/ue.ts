// `carillon ue NAME …`: an emulated phone from the terminal. It registers, does what was asked, says
// what happens, and registers off.

import { once } from 'node:events';
import type { Command } from 'commander';
import type { Call } from '#functions/ue/call';
import { ueConfig } from '#functions/ue/config';
import { type CallOutcome, describe } from '#functions/ue/outcomes';
import { Ue } from '#functions/ue/ue';
import { AddressError, UsageError } from '#kernel/errors';
import { createProcess, type HostProcess } from '#kernel/node/process';
import { seconds } from '#kernel/time';
import { Ladder, terminalStyle } from '../trace/ladder.ts';
import { Ring } from '../trace/ring.ts';
import { API_HELP, withApi } from './api-client.ts';
import { CommandFailed, reporting } from './failure.ts';
import { type PhoneOptions, phoneSettings } from './phone.ts';
import {
  heardJson,
  heardText,
  keepRecording,
  type SoundOptions,
  soundingOf,
} from './phone-sound.ts';
import { endSignal } from './trace.ts';

interface UeOptions extends PhoneOptions, SoundOptions {
  readonly for?: string;
  readonly preconditions: boolean;
  readonly anonymous?: boolean;
  readonly ladder?: boolean;
  readonly json?: boolean;
}

/** Seconds of a call that nobody gave a length. */
const USUAL_CALL = 5;
const ACTIONS = ['register', 'call', 'answer', 'message'] as const;

export function configure(command: Command): void {
  withApi(command)
    .argument('<name>', 'a subscriber: name, IMSI or number')
    .argument('<action>', ACTIONS.join(', '))
    .argument('[words...]', 'call: whom; message: whom, and the text')
    .option('--with <proof>', 'register with sim or password, where both are known')
    .option('--file <file>', 'the network file whose subscribers are known (default: the lab)')
    .option('--imsi <imsi>', 'SIM: IMSI')
    .option('--k <hex>', 'SIM: K')
    .option('--opc <hex>', 'SIM: OPc')
    .option('--op <hex>', 'SIM: OP, instead of OPc')
    .option('--password <password>', 'SIP digest')
    .option('--username <name>', 'SIP digest: the private identity, where it is not NAME@home')
    .option('--impu <uri>', 'the public identity to register')
    .option('--home <domain>', 'home domain (default: of the running network)')
    .option('--proxy <address>', 'P-CSCF: host:port, or a URI with ;transport=tcp, tls, ws, wss')
    .option('--ca <file>', 'certificate to trust, PEM, for a P-CSCF over TLS')
    .option('--insecure', 'trust any certificate')
    .option('--bind <address>', 'address of this phone')
    .option('--tone <hertz>', 'what is said: a tone (default 440)')
    .option('--play <file.wav>', 'what is said: a sound file, mono, 8 or 16 kHz')
    .option('--loop', 'again and again')
    .option('--record <file.wav>', 'keep what is heard')
    .option('--digits <digits>', 'send these once the call stands')
    .option('--for <seconds>', `how long (default: call ${USUAL_CALL} s, else until Ctrl-C)`)
    .option('--no-preconditions', 'call without waiting for reserved resources')
    .option('--anonymous', 'withhold who calls')
    .option('--ladder', 'show the messages of this phone')
    .option('--json', 'end with one JSON document')
    .addHelpText(
      'after',
      `
The lab's subscribers are known by name, with SIM and password. Anybody else needs --password, or
--imsi, --k and --opc.
${API_HELP}

Examples:
  carillon ue alice call echo                        a call to oneself: says 440 Hz and hears it
  carillon ue bob answer                             takes calls and messages until Ctrl-C
  carillon ue alice call bob --play hello.wav --record heard.wav
  carillon ue alice message bob "see you at six"
  carillon ue carol register --with password --for 60 --ladder
  carillon ue erin call +15550100001 --password erin-secret --proxy '10.0.0.5:5060;transport=tcp'`,
    )
    .action(reporting(ue));
}

async function ue(
  name: string,
  action: string,
  words: readonly string[],
  options: UeOptions,
): Promise<void> {
  const known = ACTIONS.find(one => one === action);
  if (known === undefined) {
    throw new UsageError(`ue: ${action} is nothing a phone does; write ${ACTIONS.join(', ')}`);
  }
  checkWords(known, words);
  if (options.digits !== undefined && !/^[0-9*#A-D]+$/i.test(options.digits)) {
    throw new UsageError(`--digits ${options.digits}: write 0-9, *, #, A-D`);
  }
  const sounding = soundingOf(options);
  const { ue: settings, proof } = await phoneSettings(name, options);
  const phone = new Phone(name, settings, options);
  try {
    await phone.register(proof);
    const end = endSignal(action === 'call' ? undefined : options.for);
    if (known === 'call') {
      const length = options.for ?? String((sounding.seconds ?? USUAL_CALL - 0.5) + 0.5);
      await phone.call(words[0]!, sounding.say, length, end);
    } else if (known === 'message') await phone.message(words[0]!, words.slice(1).join(' '));
    else await phone.wait(known === 'answer' ? sounding.say : undefined, end);
  } finally {
    await phone.end();
  }
}

function checkWords(action: (typeof ACTIONS)[number], words: readonly string[]): void {
  if (action === 'call' && words.length !== 1) {
    throw new UsageError('ue call: whom? A name, a number, a URI, or echo');
  }
  if (action === 'message' && words.length < 2) {
    throw new UsageError('ue message: whom, and what? Such as: message bob "hello"');
  }
  if ((action === 'register' || action === 'answer') && words.length > 0) {
    throw new UsageError(`ue ${action}: takes no words, so ${words[0]} is one too many`);
  }
}

class Phone {
  readonly #name: string;
  readonly #options: UeOptions;
  readonly #process: HostProcess;
  readonly #ue: Ue;
  readonly #settings: ConstructorParameters<typeof Ue>[0];
  readonly #report: Record<string, unknown> = {};
  readonly #calls: object[] = [];
  readonly #messages: object[] = [];

  constructor(name: string, settings: Parameters<typeof ueConfig>[0], options: UeOptions) {
    this.#name = name;
    this.#options = options;
    const ring = new Ring({ events: 0 });
    ring.enabled = options.ladder === true;
    if (options.ladder) {
      const style = terminalStyle(process.stdout, process.env);
      const ladder = new Ladder(style, line => this.#print(line), [name]);
      ring.subscribe(event => ladder.add(event));
    }
    this.#process = createProcess({ recorder: ring, log: { level: 'error' } });
    this.#settings = ueConfig({
      ...settings,
      calls: { preconditions: options.preconditions, ringing: seconds(1) },
    });
    const instance = name.replace(/[^\w.-]/g, '') || 'phone';
    this.#ue = new Ue(this.#settings, this.#process.host(instance));
    this.#ue.onMessage = ({ from, text }) => {
      this.#messages.push({ from: from.uri, text });
      this.#say(`message from ${from.uri}: ${printable(text)}`);
    };
    this.#ue.onIncoming = call => {
      this.#say(`${call.peer.uri} calls, and nobody takes it (action answer does)`);
    };
  }

  async register(proof: string): Promise<void> {
    const { pcscf } = this.#settings;
    this.#say(`registering at ${pcscf.replace(/^sips?:/, '')} with ${proof}`);
    try {
      await this.#ue.start();
    } catch (error) {
      if (error instanceof AddressError) throw new CommandFailed(`--bind: ${error.message}`);
      throw error;
    }
    const outcome = await this.#ue.register();
    this.#report.registration = outcome;
    if (outcome.kind !== 'registered') {
      throw new CommandFailed(`${this.#name} is not registered: ${describe(outcome)}`);
    }
    const { impu, identities, granted } = outcome.registration;
    const others = identities.filter(one => one !== impu);
    const also = others.length === 0 ? '' : `, also ${others.join(', ')}`;
    this.#say(`registered as ${impu} for ${granted} s${also}`);
    this.#ue.onRegistration = state => {
      if (state.kind === 'not registered') this.#say(`no longer registered: ${state.because}`);
    };
  }

  async call(
    whom: string,
    say: Parameters<Call['say']>[0],
    length: string,
    end: AbortSignal,
  ): Promise<void> {
    const record = this.#options.record !== undefined;
    const anonymous = this.#options.anonymous === true;
    const call = await this.#ue.call(whom, { say, record, anonymous });
    this.#say(`calling ${call.peer.uri}`);
    const giveUp = (): void => void call.hangup();
    end.addEventListener('abort', giveUp);
    const outcome = await this.#conversation(call);
    if (outcome.kind !== 'answered') {
      throw new CommandFailed(`no conversation with ${whom}: ${unanswered(outcome)}`);
    }
    const over = endSignal(length);
    over.addEventListener('abort', giveUp);
    await call.ended;
    this.#tell(call);
  }

  async message(whom: string, text: string): Promise<void> {
    const outcome = await this.#ue.message(whom, text);
    this.#report.message = outcome;
    if (outcome.kind !== 'delivered') {
      throw new CommandFailed(`the message was not delivered: ${describe(outcome)}`);
    }
    this.#say(`message delivered to ${whom} (${outcome.status})`);
  }

  /** Until the end is told; `say` is what a caller hears, without it nobody answers. */
  async wait(say: Parameters<Call['say']>[0] | undefined, end: AbortSignal): Promise<void> {
    const conversations = new Set<Promise<void>>();
    if (say !== undefined) {
      this.#ue.onIncoming = call => {
        this.#say(`${call.peer.uri} calls`);
        call.say(say);
        if (this.#options.record !== undefined) call.record();
        const taken = this.#take(call).finally(() => conversations.delete(taken));
        conversations.add(taken);
      };
      this.#say('waiting for calls and messages; Ctrl-C ends');
    } else this.#say('staying registered; Ctrl-C ends');
    if (!end.aborted) await once(end, 'abort');
    await Promise.all([...this.#ue.calls].map(call => call.hangup()));
    await Promise.all(conversations);
  }

  async #take(call: Parameters<Ue['onIncoming']>[0]): Promise<void> {
    this.#process.clock.after(this.#settings.calls.ringing, () => void call.answer());
    const outcome = await this.#conversation(call);
    if (outcome.kind !== 'answered') return this.#say(`not answered: ${unanswered(outcome)}`);
    await call.ended;
    this.#tell(call);
  }

  /** Says how the call goes, until it is answered or is certain not to be. */
  async #conversation(call: Call): Promise<CallOutcome> {
    call.onState = state => {
      if (state !== 'ended') this.#say(state);
    };
    call.onHeld = held => this.#say(held ? 'held by the other side' : 'no longer held');
    call.onDigit = digit => this.#say(`digit ${digit}`);
    const outcome = await call.answered;
    if (outcome.kind === 'answered' && this.#options.digits !== undefined) {
      const isSent = call.sendDigits(this.#options.digits);
      this.#say(isSent ? `sends ${this.#options.digits}` : 'the other side takes no digits');
    }
    return outcome;
  }

  #tell(call: Call): void {
    this.#say(heardText(call));
    const { record } = this.#options;
    if (record !== undefined) this.#say(keepRecording(call, record));
    void call.ended.then(end => {
      this.#calls.push({ peer: call.peer, callId: call.id, end, ...heardJson(call) });
      this.#say(`call ended${end.by === 'remote' ? ' by the other side' : ''}: ${end.reason}`);
    });
  }

  async end(): Promise<void> {
    this.#ue.onRegistration = () => {};
    if (this.#ue.registered !== undefined) {
      const outcome = await this.#ue.deregister();
      if (outcome.kind === 'deregistered') this.#say('registered off');
      else this.#say(`not registered off: ${describe(outcome)}`);
    }
    await this.#ue.stop();
    await this.#process.close();
    if (!this.#options.json) return;
    const report = { ...this.#report, calls: this.#calls, messages: this.#messages };
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  }

  #say(text: string): void {
    this.#print(`${this.#name}: ${text}`);
  }

  #print(line: string): void {
    if (!this.#options.json) process.stdout.write(`${line}\n`);
  }
}

function unanswered(outcome: Exclude<CallOutcome, { kind: 'answered' }>): string {
  switch (outcome.kind) {
    case 'unanswered':
      return 'it rang, and nobody took it';
    case 'cancelled':
      return outcome.by === 'local' ? 'given up' : 'the caller gave up';
    case 'impossible':
      return outcome.because;
    default:
      return describe(outcome);
  }
}

/** What somebody sent must not move the terminal. */
const printable = (text: string): string =>
  text.replace(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, '·');
