// The portal from outside: JSON with a bearer token, pages as text, metrics as numbers.

export function portal(base) {
  async function call(method, path, { token, body, headers = {} } = {}) {
    const answer = await fetch(new URL(path, base), {
      method,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
      redirect: 'manual',
    });
    const text = await answer.text();
    const json = (answer.headers.get('content-type') ?? '').includes('json') ? JSON.parse(text) : null;
    return { status: answer.status, headers: answer.headers, text, json };
  }
  async function get(path, token) {
    const answer = await call('GET', path, { token });
    if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${answer.text.slice(0, 400)}`);
    return answer;
  }
  return {
    base, call, get,
    json: async (path, token = 'demo-operator') => (await get(path, token)).json,
    page: async (path, token) => (await get(path, token)).text,
    metrics: async () => parseMetrics((await get('/metrics')).text),
  };
}

// Prometheus text format: [{ name, labels, value }].
export function parseMetrics(text) {
  return text.split('\n').filter(line => line && !line.startsWith('#')).map(line => {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!found) throw new Error(`not a metric: ${line}`);
    const labels = {};
    for (const [, name, value] of (found[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[name] = value;
    return { name: found[1], labels, value: Number(found[3]) };
  });
}

export function sumMetric(metrics, name, labels = {}) {
  const rows = metrics.filter(m => m.name === name && Object.entries(labels).every(([k, v]) => m.labels[k] === v));
  return rows.length === 0 ? undefined : rows.reduce((sum, m) => sum + m.value, 0);
}
