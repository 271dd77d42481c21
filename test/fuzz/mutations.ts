// What every fuzz target mutates with. An input follows from seed and number alone.

/** Uniform whole numbers below a bound. */
export type Random = (below: number) => number;

/** mulberry32 over seed and number. */
export function generator(seed: number, number: number): Random {
  let state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(number + 1, 0xc2b2ae35)) | 0;
  return below => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

export const oneOf = <T>(list: readonly T[], random: Random): T => list[random(list.length)] as T;

/** One to six mutations of a text, with pieces of the others and the format's own morsels. */
export function mutatedText(
  corpus: readonly string[],
  morsels: readonly string[],
  random: Random,
): string {
  let text = oneOf(corpus, random);
  for (let rounds = random(6); rounds >= 0; rounds--) {
    const at = random(text.length + 1);
    const span = random(random(4) === 0 ? 200 : 8);
    const other = oneOf(corpus, random);
    const from = random(other.length + 1);
    const piece = [
      () => oneOf(morsels, random),
      () => oneOf(morsels, random).repeat(1 + random(random(20) === 0 ? 3000 : 20)),
      () => other.slice(from, from + random(80)),
      () => text.slice(at, at + span).repeat(1 + random(3)),
      () => String.fromCharCode(random(256)),
      () => '',
    ][random(6)] as () => string;
    text = text.slice(0, at) + piece() + text.slice(at + span);
    if (text.length > 200_000) text = text.slice(0, 200_000);
  }
  return text;
}

/** One to six mutations of octets. */
export function mutatedOctets(corpus: readonly Buffer[], random: Random): Buffer {
  let octets: Buffer = Buffer.from(oneOf(corpus, random));
  for (let rounds = random(6); rounds >= 0; rounds--) {
    const at = random(octets.length + 1);
    const span = Math.min(random(40), octets.length - at);
    const other = oneOf(corpus, random);
    const from = random(other.length + 1);
    const head = octets.subarray(0, at);
    switch (random(6)) {
      case 0:
        if (at < octets.length) octets[at] = random(256);
        break;
      case 1:
        if (at < octets.length) octets[at] = octets[at]! ^ (1 << random(8));
        break;
      case 2:
        octets = Buffer.concat([head, octets.subarray(at + span)]);
        break;
      case 3:
        octets = Buffer.concat([head, octets.subarray(at, at + span), octets.subarray(at)]);
        break;
      case 4:
        octets = Buffer.concat([
          head,
          other.subarray(from, from + random(64)),
          octets.subarray(at),
        ]);
        break;
      default:
        if (at + 2 <= octets.length)
          octets.writeUInt16BE(oneOf([0, 1, 0x7fff, 0xffff], random), at);
    }
  }
  return octets;
}
