// What the emulated phone says and hears: a tone or a WAV file, and what is told of it afterwards.

import { readFileSync, writeFileSync } from 'node:fs';
import type { Call } from '#functions/ue/call';
import type { Saying } from '#functions/ue/media';
import { UsageError } from '#kernel/errors';
import { parseWav, WavError, writeWav } from '#rtp/wav';
import { CommandFailed } from './failure.ts';

export interface SoundOptions {
  readonly tone?: string;
  readonly play?: string;
  readonly loop?: boolean;
  readonly record?: string;
  readonly digits?: string;
}

const USUAL_TONE = 440;

/** How long a file plays, in seconds; undefined for what has no end. */
export interface Sounding {
  readonly say: Saying;
  readonly seconds: number | undefined;
}

/** Throws a UsageError where a file cannot be played. */
export function soundingOf({ tone, play, loop }: SoundOptions): Sounding {
  if (play === undefined) return { say: { tone: hertzOf(tone) }, seconds: undefined };
  try {
    const sound = parseWav(readFileSync(play));
    const seconds = loop ? undefined : sound.samples.length / sound.sampleRate;
    return { say: { sound, loop: loop === true }, seconds };
  } catch (error) {
    const { message } = error as Error;
    throw new UsageError(`--play ${error instanceof WavError ? `${play}: ${message}` : message}`);
  }
}

function hertzOf(text: string | undefined): number {
  if (text === undefined) return USUAL_TONE;
  const hertz = Number(text);
  if (hertz >= 50 && hertz <= 3800) return hertz;
  throw new UsageError(`--tone ${text}: write a frequency from 50 to 3800 Hz`);
}

export function keepRecording(call: Call, path: string): string {
  const sound = call.recording();
  try {
    writeFileSync(path, writeWav(sound));
  } catch (error) {
    throw new CommandFailed(`--record ${path}: ${(error as Error).message}`);
  }
  return `${(sound.samples.length / sound.sampleRate).toFixed(1)} s written to ${path}`;
}

/** What was heard and how it came, for people. */
export function heardText(call: Call): string {
  const { seconds, tone } = call.heard();
  const { sent, received } = call.statistics();
  const sound =
    seconds === 0
      ? 'heard nothing'
      : `heard ${seconds.toFixed(1)} s of sound${tone === undefined ? '' : `, ${tone.hertz} Hz for ${tone.seconds.toFixed(1)} s of it`}`;
  const packets =
    received === undefined
      ? 'no packet received'
      : `${received.packets} packets received, ${received.lost} lost, jitter ${received.jitter.toFixed(1)} ms`;
  return `${sound}; ${sent.packets} packets sent, ${packets}`;
}

/** The same for programs. */
export function heardJson(call: Call): object {
  const { sent, received, playout } = call.statistics();
  return { heard: call.heard(), digits: call.digits, sent, received: received ?? null, playout };
}
