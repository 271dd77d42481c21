// The emulated phone of `carillon ue`: it says on the terminal what happens to it.

import { once } from 'node:events';
import type { Call } from '#functions/ue/call';
import { ueConfig } from '#functions/ue/config';
import { type CallOutcome, describe } from '#functions/ue/outcomes';
import { Ue } from '#functions/ue/ue';
import { AddressError } from '#kernel/errors';
import { createProcess, type HostProcess } from '#kernel/node/process';
import { seconds } from '#kernel/time';
import { Ladder, terminalStyle } from '../trace/ladder.ts';
import { Ring } from '../trace/ring.ts';
import { endSignal } from './end-signal.ts';
import { CommandFailed } from './failure.ts';
import type { ProofOptions } from './phone.ts';
import { heardJson, heardText, keepRecording, type SoundOptions } from './phone-sound.ts';

export interface PhoneOptions extends ProofOptions, SoundOptions {
  readonly for?: string;
  readonly preconditions: boolean;
  readonly anonymous?: boolean;
  readonly ladder?: boolean;
  readonly json?: boolean;
}

export class Phone {
  readonly #name: string;
  readonly #options: PhoneOptions;
  readonly #process: HostProcess;
  readonly #ue: Ue;
  readonly #settings: ConstructorParameters<typeof Ue>[0];
  readonly #report: Record<string, unknown> = {};
  readonly #calls: object[] = [];
  readonly #messages: object[] = [];

  constructor(name: string, settings: Parameters<typeof ueConfig>[0], options: PhoneOptions) {
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
