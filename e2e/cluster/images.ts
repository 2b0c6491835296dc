/** Images from scratch, without a registry: pause and busybox for the pods; Berth's own is that of deploy/image. */
import { copyFileSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from '../../cmd/dev/execute.ts';
import { at, BUSYBOX_IMAGE, PAUSE_IMAGE } from './layout.ts';

/** Builds `context`/Dockerfile into an archive that `ctr images import` takes. */
export async function buildImage(context: string, name: string, archive: string): Promise<void> {
  const storage = ['--storage-driver=vfs', `--root=${at('buildah/root')}`, `--runroot=${at('buildah/run')}`];
  mkdirSync(at('buildah'), { recursive: true });
  rmSync(archive, { force: true });
  await must('buildah', [...storage, 'bud', '--isolation=chroot', '--layers=false', '-t', name, context], { deadlineSeconds: 300 });
  await must('buildah', [...storage, 'push', name, `docker-archive:${archive}:${name}`], { deadlineSeconds: 300 });
  await must('buildah', [...storage, 'rmi', '-f', name]);
}

/** The archives' paths. */
export async function buildPodImages(): Promise<string[]> {
  const busybox = ['/usr/bin/busybox', '/bin/busybox'].find((path) => existsSync(path));
  if (busybox === undefined) throw new Error('there is no busybox (Debian: busybox-static)');
  const context = at('images/busybox');
  mkdirSync(context, { recursive: true });
  copyFileSync(busybox, join(context, 'busybox'));
  const archives = [];
  // A first process takes only the signals it asks for: a pod must end within its grace period.
  const wait = 'trap "exit 0" TERM INT; while :; do sleep 3600 & wait $!; done';
  for (const [name, entry] of [
    [PAUSE_IMAGE, ['/bin/busybox', 'sh', '-c', wait]],
    [BUSYBOX_IMAGE, ['/bin/busybox', 'sh', '-c', wait]],
  ] as const) {
    writeFileSync(
      join(context, 'Dockerfile'),
      `FROM scratch\nCOPY busybox /bin/busybox\nCOPY busybox /bin/sh\nENTRYPOINT ${JSON.stringify(entry)}\n`,
    );
    const archive = at('images', `${name.split('/').at(-1)!.replace(':', '-')}.tar`);
    await buildImage(context, name, archive);
    archives.push(archive);
  }
  return archives;
}

export const megabytes = (path: string): number => Math.round(statSync(path).size / 1e6);
