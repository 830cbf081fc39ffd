const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs work that Ctrl-C and its relatives interrupt by a signal to abort, and gives its exit code, which after an
 * interruption is the shell's for that signal. Work that fails because it was interrupted is no error of its own.
 */
export async function interruptible(work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  let code: number | undefined;
  const handlers = Object.entries(exitCodes).map(([name, exitCode]) => {
    const handler = () => {
      code = exitCode;
      controller.abort(new Error(`stopped by ${name}`));
    };
    process.on(name, handler);
    return [name, handler] as const;
  });
  try {
    const ended = await work(controller.signal);
    return code ?? ended;
  } catch (error) {
    if (code === undefined) throw error;
    process.stderr.write("Stopped. The same command goes on from here.\n");
    return code;
  } finally {
    for (const [name, handler] of handlers) process.off(name, handler);
  }
}
