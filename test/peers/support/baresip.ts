// baresip: run by the configuration of examples/baresip, commanded over its control port. In place of
// a sound card it has a file to say, and records what it hears by its sndfile module.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Child } from './child.ts';
import { freePort, type Lab } from './lab.ts';
import type { Softphone, SoftphoneOptions } from './softphone.ts';
import { listenTo, writeTone } from './sound.ts';

export const PACKAGE = 'baresip-core';
const EXAMPLES = join(import.meta.dirname, '../../../examples/baresip');

export class Baresip implements Softphone {
  readonly user: string;
  readonly child: Child;
  readonly #recordings: string;
  readonly #control: number;
  #socket: Socket | undefined;

  static async start(lab: Lab, options: SoftphoneOptions): Promise<Baresip> {
    const { user, transport = 'udp', password = `${user}-secret` } = options;
    const folder = join(lab.folder, `baresip-${user}-${transport}`);
    const recordings = join(folder, 'heard');
    mkdirSync(recordings, { recursive: true });
    const tone = join(folder, 'says.wav');
    writeTone(tone, options.says);
    const control = await freePort();
    const config = example('config', {
      audio_source: `aufile,${tone}`,
      audio_player: 'nothing,nowhere',
      audio_alert: 'nothing,nowhere',
    }).replace(/^module\s+alsa\.so$/m, 'module sndfile.so');
    writeFileSync(
      join(folder, 'config'),
      `${config}
sip_listen 127.0.0.1:0
snd_path ${recordings}
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:${control}
`,
    );
    const over = transport === 'udp' ? '' : `;transport=${transport}`;
    const account = example('accounts')
      .replace('alice-secret', password)
      .replace('alice@', `${user}@`)
      .replace('.org>', `.org${over}>`)
      .replace('127.0.0.1:5060"', `${lab.gm(transport)}${over}"`);
    writeFileSync(join(folder, 'accounts'), account);
    const child = new Child('baresip', ['-f', folder, '-s'], { env: { HOME: folder } });
    lab.defer(() => child.stop());
    return new Baresip(user, child, recordings, control);
  }

  private constructor(user: string, child: Child, recordings: string, control: number) {
    this.user = user;
    this.child = child;
    this.#recordings = recordings;
    this.#control = control;
  }

  async registered(): Promise<number> {
    const [, status] = await this.child.until(/(?:\{0\/\w+\/v4\}|reg: \S+:) (\d{3}) /);
    return Number(status);
  }

  call(uri: string): Promise<void> {
    return this.command('dial', uri);
  }

  async answer(): Promise<void> {
    await this.child.until(/: Incoming call from: /);
    await this.command('accept');
  }

  async established(): Promise<void> {
    await this.child.until(/: Call established: /);
  }

  hangUp(): Promise<void> {
    return this.command('hangup');
  }

  async ended(): Promise<void> {
    await this.child.until(/: Call with .* terminated|: session closed/);
  }

  heardTone(hertz: number): number {
    const files = readdirSync(this.#recordings).filter(name => name.endsWith('-dec.wav'));
    return files.reduce(
      (sum, name) => sum + listenTo(join(this.#recordings, name)).heardTone(hertz),
      0,
    );
  }

  /** Netstrings of JSON, one connection for all. */
  async command(command: string, params = ''): Promise<void> {
    await this.child.until(/baresip is ready/);
    this.#socket ??= await this.#connected();
    const text = JSON.stringify({ command, params });
    this.#socket.write(`${Buffer.byteLength(text)}:${text},`);
  }

  #connected(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#control, '127.0.0.1', () => resolve(socket));
      socket.on('error', reject);
      socket.resume().unref();
    });
  }
}

/** What we give people as an example, with some settings replaced. */
function example(file: string, settings: Readonly<Record<string, string>> = {}): string {
  let text = readFileSync(join(EXAMPLES, file), 'utf8');
  for (const [name, value] of Object.entries(settings)) {
    const line = new RegExp(`^${name}\\s.*$`, 'm');
    if (!line.test(text)) throw new Error(`examples/baresip/${file} has no ${name}`);
    text = text.replace(line, `${name} ${value}`);
  }
  return text;
}
