// `carillon ue NAME …`: an emulated phone from the terminal. It registers, does what was asked, says
// what happens, and registers off.

import type { Command } from 'commander';
import { UsageError } from '#kernel/errors';
import { API_HELP, withApi } from './api-client.ts';
import type { PhoneOptions } from './emulated-phone.ts';
import { endSignal } from './end-signal.ts';
import { reporting } from './failure.ts';

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
  options: PhoneOptions,
): Promise<void> {
  const known = ACTIONS.find(one => one === action);
  if (known === undefined) {
    throw new UsageError(`ue: ${action} is nothing a phone does; write ${ACTIONS.join(', ')}`);
  }
  checkWords(known, words);
  if (options.digits !== undefined && !/^[0-9*#A-D]+$/i.test(options.digits)) {
    throw new UsageError(`--digits ${options.digits}: write 0-9, *, #, A-D`);
  }
  // Only now: help and wrong calls are answered without all that a phone needs.
  const { Phone } = await import('./emulated-phone.ts');
  const { phoneSettings } = await import('./phone.ts');
  const { soundingOf } = await import('./phone-sound.ts');
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
