// The API to try out: reads its description, makes a form of each operation, sends what is filled in
// and shows the answer, with the curl command that asks the same.

const SHOWN = 200_000; // characters of an answer

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter(child => child !== undefined));
  return made;
};

const quoted = text => `'${text.replaceAll("'", "'\\''")}'`;

class Api {
  constructor(description) {
    this.description = description;
  }

  resolve(schema) {
    const name = schema?.$ref?.split('/').at(-1);
    return name === undefined ? schema : this.description.components.schemas[name];
  }

  /** Something to begin with: the fields that must be there, then the names of the others. */
  example(schema) {
    const { properties = {}, required = [] } = this.resolve(schema) ?? {};
    const samples = {
      imsi: '001010000000009',
      msisdn: '15550100009',
      name: 'erin',
      password: 'erin-secret',
    };
    const names = Object.keys(properties).filter(
      name => required.includes(name) || name in samples,
    );
    return JSON.stringify(
      Object.fromEntries(names.map(name => [name, samples[name] ?? ''])),
      null,
      2,
    );
  }
}

function field(parameter, inputs) {
  const { name, schema = {}, description = '', required } = parameter;
  const id = `${inputs.size}-${Math.random().toString(36).slice(2)}`;
  let input;
  if (schema.enum || schema.type === 'boolean') {
    const values = schema.enum ?? ['true', 'false'];
    input = element('select', { id }, element('option', { value: '' }, ''));
    for (const value of values) input.append(element('option', { value }, value));
  } else {
    input = element('input', { id, placeholder: schema.default ?? '', required });
  }
  inputs.set(name, { input, place: parameter.in });
  return element(
    'div',
    {},
    element('label', { for: id }, `${name}${required ? '' : ' (optional)'} – ${description}`),
    input,
  );
}

function operationForm(api, method, path, operation) {
  const inputs = new Map();
  const answer = element('div', { 'aria-live': 'polite' });
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const body =
    type === undefined
      ? undefined
      : element('textarea', { 'aria-label': `Body, ${type}`, spellcheck: 'false' });
  if (body && type === 'application/json') body.value = api.example(content.schema);
  let streaming;

  const send = async event => {
    event.preventDefault();
    streaming?.abort();
    streaming = new AbortController();
    const { url, curl } = request(method, path, inputs, body, type);
    const status = element('p', {}, 'Waiting …');
    const text = element('pre');
    answer.replaceChildren(element('pre', {}, curl), status, text);
    try {
      const response = await fetch(url, {
        method,
        signal: streaming.signal,
        ...(body ? { body: body.value, headers: { 'content-type': type } } : {}),
      });
      status.textContent = `${response.status} ${response.statusText}`;
      status.className = response.ok ? 'good' : 'bad';
      await show(response, text);
    } catch (error) {
      if (error.name === 'AbortError') return;
      status.textContent = `No answer: ${error.message}`;
      status.className = 'bad';
    }
  };
  const stop = () => streaming?.abort();

  const form = element(
    'form',
    { onsubmit: send },
    ...(operation.parameters ?? []).map(parameter => field(parameter, inputs)),
    body && element('label', {}, `Body, ${type}`),
    body,
    element('button', {}, 'Send'),
    element('button', { type: 'button', class: 'plain', onclick: stop }, 'Stop'),
  );
  return element(
    'details',
    {},
    element(
      'summary',
      {},
      element('span', { class: 'method' }, method),
      element('span', { class: 'path' }, path),
      ` ${operation.summary}`,
    ),
    element(
      'div',
      {},
      operation.description ? element('p', {}, operation.description) : '',
      form,
      answer,
    ),
  );
}

function request(method, path, inputs, body, type) {
  const query = new URLSearchParams();
  let filled = path;
  for (const [name, { input, place }] of inputs) {
    if (place === 'path') filled = filled.replace(`{${name}}`, encodeURIComponent(input.value));
    else if (input.value !== '') query.set(name, input.value);
  }
  const url = query.size === 0 ? filled : `${filled}?${query}`;
  const words = ['curl', ...(method === 'GET' ? [] : ['-X', method])];
  if (body) words.push('-H', quoted(`content-type: ${type}`), '--data-binary', quoted(body.value));
  words.push(quoted(new URL(url, location.href).href));
  return { url, curl: words.join(' ') };
}

/** As it comes, so that streams are seen; JSON is laid out when it is whole. */
async function show(response, text) {
  if (response.body === null) return;
  const type = response.headers.get('content-type') ?? '';
  if (!/json|text/.test(type)) {
    const { size } = await response.blob();
    text.textContent = `${size} octets of ${type}`;
    return;
  }
  const decoder = new TextDecoder();
  let all = '';
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    all = (all + decoder.decode(value, { stream: true })).slice(-SHOWN);
    text.textContent = all;
  }
  if (/json/.test(type) && !/ndjson/.test(type)) {
    text.textContent = JSON.stringify(JSON.parse(all), null, 2);
  }
}

const about = document.getElementById('about');
try {
  const response = await fetch('/api/v1/openapi.json');
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  const api = new Api(await response.json());
  const { info, paths, tags } = api.description;
  about.replaceChildren(
    `${info.title} ${info.version}. `,
    element('a', { href: '/api/v1/openapi.json' }, 'openapi.json'),
    ' describes it to programs. ',
    element('a', { href: '/' }, 'The network'),
  );
  const all = document.getElementById('operations');
  for (const { name } of tags) {
    all.append(element('h2', {}, name));
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (!operation.tags.includes(name)) continue;
        all.append(operationForm(api, method.toUpperCase(), path, operation));
      }
    }
  }
} catch (error) {
  about.textContent = `The description cannot be read: ${error.message}`;
  about.className = 'bad';
}
