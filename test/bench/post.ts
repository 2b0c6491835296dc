import { request, type Agent } from 'node:http';

/** POSTs JSON to a socket, on the agent's kept connections. Throws what is said instead of 200. */
export function post(socketPath: string, agent: Agent, path: string, body: object): Promise<void> {
  const text = JSON.stringify(body);
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, agent, method: 'POST', path, headers }, (response) => {
      let said = '';
      response.setEncoding('utf8').on('data', (piece: string) => (said += piece));
      response.once('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`${path}: status ${response.statusCode}: ${said.trim()}`)),
      );
    });
    sent.once('error', reject);
    sent.end(text);
  });
}
