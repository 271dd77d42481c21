// linphonec: run by the configuration of examples/linphone, commanded by its standard input, with files
// in place of a sound card.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from './child.ts';
import type { Lab } from './lab.ts';
import type { Softphone, SoftphoneOptions } from './softphone.ts';
import { listenTo, writeTone } from './sound.ts';

export const PACKAGE = 'linphone-cli';
const EXAMPLE = join(import.meta.dirname, '../../../examples/linphone/linphonerc');

export class Linphone implements Softphone {
  readonly user: string;
  readonly child: Child;
  readonly #lab: Lab;
  readonly #recording: string;
  readonly #log: string;

  static async start(lab: Lab, options: SoftphoneOptions): Promise<Linphone> {
    const { user, transport = 'udp', password = `${user}-secret` } = options;
    const folder = join(lab.folder, `linphone-${user}-${transport}`);
    // It keeps a database there and makes no folder for it.
    for (const name of ['.local/share/linphone', '.config/linphone']) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    const tone = join(folder, 'says.wav');
    writeTone(tone, options.says);
    const config = readFileSync(EXAMPLE, 'utf8')
      .replaceAll('bob', user)
      .replace(`${user}-secret`, password)
      .replaceAll('127.0.0.1:5060;transport=udp', `${lab.gm(transport)};transport=${transport}`);
    writeFileSync(
      join(folder, 'linphonerc'),
      `${config}
[rtp]
audio_rtp_port=43000-43999

[sound]
echocancellation=0
`,
    );
    const log = join(folder, 'log');
    const child = new Child('linphonec', ['-c', join(folder, 'linphonerc'), '-d', '6', '-l', log], {
      env: { HOME: folder, XDG_DATA_HOME: '', XDG_CONFIG_HOME: '' },
    });
    const recording = join(folder, 'heard.wav');
    const phone = new Linphone(user, child, lab, recording, log);
    lab.defer(() => phone.#stop());
    child.say('soundcard use files');
    child.say(`record ${recording}`);
    child.say(`play ${tone}`);
    return phone;
  }

  private constructor(user: string, child: Child, lab: Lab, recording: string, log: string) {
    this.user = user;
    this.child = child;
    this.#lab = lab;
    this.#recording = recording;
    this.#log = log;
  }

  /** It tells of its registration in its log alone. */
  async registered(): Promise<number> {
    let log = '';
    await this.#lab.holds(
      () => {
        log = existsSync(this.#log) ? readFileSync(this.#log, 'latin1') : '';
        return /to \[LinphoneRegistration(Ok|Failed)\]/.test(log);
      },
      () => `linphonec did not register; its log says:\n${log}`,
    );
    const upTo = log.slice(0, log.search(/to \[LinphoneRegistration(Ok|Failed)\]/));
    return Number([...upTo.matchAll(/^SIP\/2\.0 (\d{3}) /gm)].at(-1)?.[1]);
  }

  async call(uri: string): Promise<void> {
    this.child.say(`call ${uri}`);
    await this.child.until(/Establishing call id to/);
  }

  async answer(): Promise<void> {
    await this.child.until(/Receiving new incoming call from/);
    this.child.say('answer');
  }

  async established(): Promise<void> {
    await this.child.until(/Media streams established with/);
  }

  async hangUp(): Promise<void> {
    this.child.say('terminate');
  }

  async ended(): Promise<void> {
    await this.child.until(/ ended \(/);
  }

  heardTone(hertz: number): number {
    return listenTo(this.#recording).heardTone(hertz);
  }

  /** De-registers where it can; its own end is slow otherwise. */
  async #stop(): Promise<void> {
    this.child.say('quit');
    await Promise.race([this.child.ended, new Promise(resolve => setTimeout(resolve, 2500))]);
    await this.child.stop();
  }
}
