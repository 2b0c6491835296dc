import type { Command } from '../command.ts';
import { SCRIPTS } from '../completion/scripts.ts';
import { DONE } from '../exit-code.ts';

export const completion: Command = {
  path: ['completion'],
  summary: 'Print the script that teaches a shell to complete',
  positionals: [{ name: 'shell', describe: 'the shell', choices: ['bash', 'zsh', 'fish'] }],
  examples: [
    ['completion bash > /etc/bash_completion.d/berthctl', 'for everybody, in bash'],
    ['completion zsh > "${fpath[1]}/_berthctl"', 'in zsh'],
    ['completion fish > ~/.config/fish/completions/berthctl.fish', 'in fish'],
  ],
  run({ values, world }) {
    world.stdout.write(SCRIPTS[values.required('shell') as keyof typeof SCRIPTS]);
    return Promise.resolve(DONE);
  },
};
