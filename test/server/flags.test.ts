/** The command line, read: what it means, and one sentence for each way to get it wrong. */
import { describe, expect, test } from 'vitest';
import { readCommandLine } from '../../cmd/berth-controller/flags.ts';

describe('flags', () => {
  test('nothing said: the machine’s usual places', async () => {
    expect(await readCommandLine(['--node-name', 'node-1'])).toEqual({
      kind: 'run',
      options: {
        store: { kind: 'sqlite', path: '/var/lib/berth/berth.db' },
        listen: [{ kind: 'unix', path: '/run/berth/berth.sock' }],
        socketMode: 0o600,
        logLevel: 'info',
        nodeName: 'node-1',
        spoolFolder: '/var/lib/berth/spool',
      },
    });
  });

  test('everything said, --listen twice', async () => {
    const tls = ['--tls-cert', 'c', '--tls-key', 'k', '--client-ca', 'a'];
    const listen = ['--listen', 'unix:a', '--listen', 'https://[::1]:8443'];
    const rest = [
      '--store',
      'memory',
      '--socket-mode',
      '660',
      '--pools',
      'p.yaml',
      '--spool',
      's',
      '--log-level',
      'debug',
      '--node-name',
      'n',
    ];
    expect(await readCommandLine([...tls, ...listen, ...rest])).toEqual({
      kind: 'run',
      options: {
        store: { kind: 'memory' },
        listen: [
          { kind: 'unix', path: 'a' },
          { kind: 'https', host: '::1', port: 8443 },
        ],
        socketMode: 0o660,
        poolsFile: 'p.yaml',
        spoolFolder: 's',
        logLevel: 'debug',
        nodeName: 'n',
        tls: { cert: 'c', key: 'k', clientCa: 'a' },
      },
    });
  });

  test('a cluster: which one, and how patient with nodes that are gone', async () => {
    const flags = ['--store', 'kubernetes', '--kubeconfig', 'k', '--context', 'c', '--namespace', 'n', '--node-gone-after', '30s'];
    expect(await readCommandLine(flags)).toMatchObject({
      options: { store: { kind: 'kubernetes', kubeconfigFile: 'k', context: 'c', namespace: 'n', nodeGoneAfterMs: 30_000 } },
    });
    expect(await readCommandLine(['--store', 'kubernetes'])).toMatchObject({
      options: { store: { nodeGoneAfterMs: 300_000, nodeServiceAccount: { namespace: 'berth', name: 'berth-node' }, advertise: [] } },
    });
    const https = ['--store', 'kubernetes', '--listen', 'https://[fd00::5]:8443', '--node-service-account', 'net/nodes'];
    expect(await readCommandLine(https)).toMatchObject({
      options: { store: { nodeServiceAccount: { namespace: 'net', name: 'nodes' }, advertise: ['https://[fd00::5]:8443'] } },
    });
    expect(await readCommandLine([...https, '--metrics', 'https://10.0.0.5:9443'])).toMatchObject({
      options: { metrics: { kind: 'https', host: '10.0.0.5', port: 9443 } },
    });
    expect(await readCommandLine([...https, '--advertise', 'https://fd00::5:8443'])).toMatchObject({
      options: { store: { advertise: ['https://[fd00::5]:8443'] } },
    });
    expect(await readCommandLine([...https, '--advertise', 'https://10.0.0.5:1', '--advertise', 'https://10.0.0.6:1'])).toMatchObject({
      options: { store: { advertise: ['https://10.0.0.5:1', 'https://10.0.0.6:1'] } },
    });
  });

  test('sqlite:///PATH is the same as sqlite:/PATH', async () => {
    expect(await readCommandLine(['--store', 'sqlite:///var/x.db'])).toMatchObject({ options: { store: { path: '/var/x.db' } } });
    expect(await readCommandLine(['backup', '--store=sqlite:x.db', 'copy.db'])).toEqual({
      kind: 'backup',
      path: 'x.db',
      destination: 'copy.db',
    });
  });

  test.each([
    [['serve'], 'Unknown flag or argument: serve. (--help lists them.)'],
    [['--store', 'postgres://x'], '--store postgres://x: must be sqlite:PATH, kubernetes or memory.'],
    [['--kubeconfig', 'x'], '--kubeconfig goes with --store kubernetes.'],
    [['--store', 'kubernetes', '--pools', 'x.yaml'], '--pools is for one machine: in a cluster, apply AddressPool objects with kubectl.'],
    [['--store', 'kubernetes', '--node-gone-after', 'soon'], '--node-gone-after soon: must be a time such as 30s, 5m or 1h.'],
    [
      ['--store', 'kubernetes', '--listen', 'https://0.0.0.0:8443'],
      '--listen on every address: say with --advertise https://ADDRESS:PORT where nodes reach it.',
    ],
    [
      ['--store', 'kubernetes', '--advertise', 'https://berth:8443'],
      '--advertise https://berth:8443: must be https://ADDRESS:PORT with an IP address; nodes use no DNS.',
    ],
    [['--store', 'kubernetes', '--node-service-account', 'x'], '--node-service-account x: must be NAMESPACE/NAME.'],
    [['--store', 'memory', '--advertise', 'https://10.0.0.5:1'], '--advertise goes with --store kubernetes.'],
    [['--metrics', 'https://10.0.0.5:9443'], '--metrics goes with --store kubernetes.'],
    [['--store', 'kubernetes', '--metrics', 'http://10.0.0.5:9443'], '--metrics http://10.0.0.5:9443: must be https://HOST:PORT.'],
    [['--store', 'kubernetes', '--namespace', 'A'], '--namespace A: must be the name of a namespace.'],
    [
      ['--listen', 'http://0.0.0.0:80'],
      '--listen http://0.0.0.0:80: plain http would let anybody on the network in. Use unix:PATH, or https://HOST:PORT with --client-ca.',
    ],
    [['--listen', 'https://0.0.0.0:8443'], '--listen https:// needs --tls-cert and --tls-key.'],
    [
      ['--listen', 'https://0.0.0.0:8443', '--tls-cert', 'a', '--tls-key', 'b'],
      '--listen https:// needs --client-ca: without it nobody could tell who asks (only in a cluster do tokens say so).',
    ],
    [['--client-ca', 'a'], '--tls-cert, --tls-key and --client-ca go with --listen https://HOST:PORT.'],
    [['--socket-mode', 'rw'], '--socket-mode rw: must be three octal digits, as in 0600 or 0660.'],
    [['--node-name', 'a b'], '--node-name must be a host name: letters, digits, - and dots, at most 253.'],
    [['backup'], 'backup needs the file to write: berth-controller backup DESTINATION.'],
    [['backup', '--store', 'memory', '/tmp/x'], 'Only --store sqlite:PATH has something to back up.'],
    [['--store'], '--store needs a value. (--help says which.)'],
    [['--store', 'memory', '--store', 'sqlite:x'], '--store is given 2 times: give it once.'],
    [['--log-level', 'loud'], '--log-level loud: must be one of "debug", "info", "warn", "error".'],
    [['--socket-mode', '0066'], '--socket-mode 0066: the controller itself needs to read and write it, as in 0600.'],
    [['--pool', 'x'], 'Unknown flag or argument: pool. Did you mean --pools? (--help lists them.)'],
    [['--xyzzy'], 'Unknown flag or argument: xyzzy. (--help lists them.)'],
    [['backup', 'a', 'b'], 'Unknown flag or argument: b. (--help lists them.)'],
  ])('%j', async (args, sentence) => {
    await expect(readCommandLine(args)).rejects.toMatchObject({ name: 'UsageError', message: sentence });
  });

  test('--help names every flag, --version the version', async () => {
    const help = await readCommandLine(['--help']);
    for (const flag of ['store', 'listen', 'socket-mode', 'pools', 'spool', 'tls-cert', 'tls-key', 'client-ca', 'node-name', 'log-level']) {
      expect(help).toMatchObject({ kind: 'said', text: expect.stringContaining(`--${flag} `) });
    }
    expect(await readCommandLine(['--version'])).toEqual({ kind: 'said', text: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
  });
});
