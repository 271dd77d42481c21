// `sip:echo@<home domain>`: the AS as a terminating user agent (TS 24.229 §5.7.2). It answers and
// gives back what it hears, so that a user with one phone hears himself.

import { ProtocolError } from '#kernel/errors';
import type { Timer } from '#kernel/host';
import { ms } from '#kernel/time';
import { audioParameters, localAudio } from '#rtp/audio-parameters';
import { EchoSource } from '#rtp/audio-source';
import { AudioStream } from '#rtp/audio-stream';
import { Negotiation } from '#sdp/negotiation';
import { parseSdp } from '#sdp/session-description';
import type { IncomingSession } from '#sip/user-agent';
import type { As } from './as.ts';

const PACKET_TIME = ms(20);
const PLAYOUT_DELAY = ms(40);

export class Echo {
  readonly #as: As;
  readonly #calls = new Set<() => void>();

  constructor(as: As) {
    this.#as = as;
  }

  stop(): void {
    for (const end of [...this.#calls]) end();
  }

  async serve(session: IncomingSession): Promise<void> {
    const { host, config } = this.#as;
    const { address, ports } = config.media;
    let stream: AudioStream;
    try {
      stream = await AudioStream.open(host, {
        address,
        ports,
        cname: `echo@${config.home}`,
        playoutDelay: PLAYOUT_DELAY,
      });
    } catch (error) {
      host.log.warn('echo has no port', { error: String(error) });
      return session.reject(503);
    }
    // While the ports were bound, the caller may have gone.
    if (session.state === 'ended') return stream.stop();

    const negotiation = new Negotiation({
      sessionId: String(Number.parseInt(host.random.hex(6), 16)),
      host: address,
      streams: [localAudio(stream, ['PCMA', 'PCMU'], PACKET_TIME)],
    });
    const echo = new EchoSource();
    stream.source = echo;
    stream.onSamples = (samples, count) => echo.hear(samples, count);
    stream.onDigit = digit => void stream.sendDigits(digit); // events are no samples (RFC 4733)
    const limit = host.clock.after(config.longestEcho, () => session.hangup());
    this.#keep(session, stream, limit);

    const apply = (): void => {
      const [agreed] = negotiation.agreed;
      if (agreed === undefined) stream.pause();
      else stream.start(audioParameters(agreed, { packetTime: PACKET_TIME }));
    };
    const answerTo = (offer: Uint8Array): Uint8Array | undefined =>
      unlessNonsense(() => {
        if (negotiation.receiveOffer(parseSdp(offer)) === 'unacceptable') return undefined;
        const answer = negotiation.answer().encode();
        apply();
        return answer;
      });
    session.onOffer = answerTo;
    session.makeOffer = () => negotiation.offer().encode();
    session.onAnswer = sdp => {
      const agreed = unlessNonsense(() => negotiation.receiveAnswer(parseSdp(sdp)));
      if (agreed === undefined) session.hangup();
      else apply();
    };
    if (session.offer === undefined) return session.answer({ sdp: negotiation.offer().encode() });
    const sdp = answerTo(session.offer);
    if (sdp === undefined) return session.reject(488);
    session.answer({ sdp });
  }

  #keep(session: IncomingSession, stream: AudioStream, limit: Timer): void {
    const end = (): void => {
      this.#calls.delete(end);
      limit.cancel();
      stream.stop();
      if (session.state !== 'ended') session.hangup();
    };
    this.#calls.add(end);
    session.onEnded = end;
  }
}

/** What a caller sends is as hostile as he is: what is no description, or answers none, is undefined. */
function unlessNonsense<T>(negotiate: () => T): T | undefined {
  try {
    return negotiate();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
