// baresip: run by a configuration of its own, commanded over its control port, heard by its recordings.
// The tests' phone says a file and records by the sndfile module; it has no loudspeaker.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { Child } from './child.ts';
import { freePort, type Lab } from './lab.ts';
import type { Softphone, SoftphoneOptions } from './softphone.ts';
import { listenTo, writeTone } from './sound.ts';

export const PACKAGE = 'baresip-core';

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
    writeFileSync(
      join(folder, 'config'),
      `sip_listen 127.0.0.1:0
net_interface 127.0.0.1
audio_source aufile,${tone}
audio_player nothing,nowhere
audio_channels 1-1
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module sndfile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
snd_path ${recordings}
ctrl_tcp_listen 127.0.0.1:${control}
`,
    );
    const proxy = `sip:${lab.gm(transport)};transport=${transport}`;
    writeFileSync(
      join(folder, 'accounts'),
      `<sip:${user}@${lab.home};transport=${transport}>;auth_pass=${password};outbound="${proxy}";regint=600\n`,
    );
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
