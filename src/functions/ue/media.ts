// A call's sound: what is said into it, what is heard out of it. Mb as a UE has it.

import type { Host } from '#kernel/host';
import { minutes } from '#kernel/time';
import { audioParameters, localAudio } from '#rtp/audio-parameters';
import { type AudioSource, audioRate, soundSource, toneSource } from '#rtp/audio-source';
import { type AudioStatistics, AudioStream } from '#rtp/audio-stream';
import { type Heard, Listener } from '#rtp/tone';
import { parseWav, type Sound } from '#rtp/wav';
import type { Preconditions } from '#sdp/preconditions';
import type { AgreedStream, LocalStream } from '#sdp/stream';
import type { CallDefaults, UeConfig } from './config.ts';

/** What a call says: a tone in Hz, a WAV file's octets, a recording, or any source of samples. */
export type Saying =
  | { readonly tone: number | readonly number[]; readonly level?: number }
  | { readonly wav: Uint8Array; readonly loop?: boolean }
  | { readonly sound: Sound; readonly loop?: boolean }
  | AudioSource;

/** Throws a WavError where a file is none that can be played. */
export function sourceOf(saying: Saying): AudioSource {
  if ('tone' in saying) return toneSource([saying.tone].flat(), saying.level);
  if ('wav' in saying) return soundSource(parseWav(saying.wav), saying);
  if ('sound' in saying) return soundSource(saying.sound, saying);
  return saying;
}

/** A recording keeps no more than this. */
const longestRecording = (minutes(10) / 1000) * audioRate;

export class CallMedia {
  onDigit: (digit: string) => void = () => {};
  readonly #stream: AudioStream;
  readonly #defaults: CallDefaults;
  #listener = new Listener(audioRate);
  #recorded: Int16Array | undefined;
  #recordedCount = 0;
  #digits = '';

  /** Binds ports for one call; rejects with an AddressError. */
  static async open(host: Host, config: UeConfig): Promise<CallMedia> {
    const stream = await AudioStream.open(host, {
      address: config.address,
      ports: config.rtpPorts,
      cname: `${host.name}@${config.address}`,
      playoutDelay: config.calls.playoutDelay,
    });
    return new CallMedia(stream, config.calls);
  }

  private constructor(stream: AudioStream, defaults: CallDefaults) {
    this.#stream = stream;
    this.#defaults = defaults;
    stream.onSamples = (samples, count) => this.#hear(samples, count);
    stream.onDigit = digit => {
      this.#digits += digit;
      this.onDigit(digit);
    };
  }

  /** Our end of the stream, to be offered. */
  describe(preconditions: Preconditions | undefined): LocalStream {
    const { codecs, packetTime } = this.#defaults;
    return localAudio(this.#stream, codecs, packetTime, preconditions);
  }

  /** Sends and receives as agreed; before the answer (`early`) it only listens. */
  apply(agreed: AgreedStream | undefined, early: boolean): void {
    const { packetTime } = this.#defaults;
    if (agreed === undefined) this.#stream.pause();
    else this.#stream.start(audioParameters(agreed, { early, packetTime }));
  }

  /** Packets go into the trace as part of that call. */
  trace(callId: string): void {
    this.#stream.traceKeys = { callId };
  }

  /** What is said from now on. */
  say(saying: Saying): void {
    this.#stream.source = sourceOf(saying);
  }

  /** Forgets what was heard before: from here on it is the answered call's. */
  listenAnew(): void {
    this.#listener = new Listener(audioRate);
    this.#recordedCount = 0;
  }

  heard(): Heard {
    return this.#listener.heard();
  }

  heardTone(hertz: number): number {
    return this.#listener.heardTone(hertz);
  }

  /** Digits heard so far. */
  get digits(): string {
    return this.#digits;
  }

  sendDigits(digits: string): boolean {
    return this.#stream.sendDigits(digits);
  }

  get sendingDigits(): boolean {
    return this.#stream.sendingDigits;
  }

  /** Keeps what is heard from now on. */
  record(): void {
    this.#recorded ??= new Int16Array(audioRate * 10);
  }

  recording(): Sound {
    const samples = this.#recorded?.slice(0, this.#recordedCount) ?? new Int16Array(0);
    return { sampleRate: audioRate, samples };
  }

  statistics(): AudioStatistics {
    return this.#stream.statistics();
  }

  close(): void {
    this.#stream.stop();
  }

  #hear(samples: Int16Array, count: number): void {
    this.#listener.hear(samples, count);
    if (this.#recorded === undefined || this.#recordedCount + count > longestRecording) return;
    if (this.#recordedCount + count > this.#recorded.length) {
      const larger = new Int16Array(Math.min(2 * this.#recorded.length, longestRecording));
      larger.set(this.#recorded);
      this.#recorded = larger;
    }
    this.#recorded.set(samples.subarray(0, count), this.#recordedCount);
    this.#recordedCount += count;
  }
}
