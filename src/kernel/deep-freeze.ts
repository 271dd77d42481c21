// Makes a message and everything it reaches unchangeable, so that a checked link finds whoever
// would change what was sent.

const refuse = (): never => {
  throw new TypeError('this message was sent: nobody may change it');
};

/** Freezes in place and returns its argument. Octets stay as they are: the engine cannot freeze them. */
export function deepFreeze<T>(value: T): T {
  freeze(value, new Set());
  return value;
}

function freeze(value: unknown, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return;
  seen.add(value);
  if (value instanceof Map) {
    for (const [key, entry] of value) {
      freeze(key, seen);
      freeze(entry, seen);
    }
    shut(value, ['set', 'delete', 'clear']);
  } else if (value instanceof Set) {
    for (const entry of value) freeze(entry, seen);
    shut(value, ['add', 'delete', 'clear']);
  }
  for (const key of Reflect.ownKeys(value)) {
    const property = Object.getOwnPropertyDescriptor(value, key);
    if (property !== undefined && 'value' in property) freeze(property.value, seen);
  }
  Object.freeze(value);
}

/** Freezing a Map or a Set leaves its entries open. */
function shut(collection: object, methods: readonly string[]): void {
  if (Object.isFrozen(collection)) return;
  for (const method of methods) Object.defineProperty(collection, method, { value: refuse });
}
