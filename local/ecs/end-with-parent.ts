/**
 * Preloaded (`node --import`) into every child process of the local runtime: when the parent is gone, however it went,
 * its end of the IPC channel closes, and the child ends too. A kill -9 of the runtime leaves nothing behind.
 */
process.once('disconnect', () => {
  // Not exit(): its handlers and the destructors of native engines can hang, and a lost host gives no last words either.
  process.kill(process.pid, 'SIGKILL');
});

// The listener alone would keep a child alive that has nothing left to do.
process.channel?.unref();
