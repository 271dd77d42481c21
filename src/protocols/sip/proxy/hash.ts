// FNV-1a over octet text: for keys that have to be equal when texts are, not to withstand anybody.

const prime = 0x01000193;

export function hash(text: string, seed = 0x811c9dc5): number {
  let value = seed;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), prime);
  }
  return value >>> 0;
}
