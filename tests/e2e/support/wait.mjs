// Waiting with a deadline: every wait of these tests says what it waits for and fails with what it saw last.

export const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

// Calls `probe` until it returns something truthy, and returns that. An exception counts as "not yet"; at the
// deadline it becomes the cause.
export async function until(what, probe, { within = 30_000, every = 100 } = {}) {
  const deadline = Date.now() + within;
  let last, cause;
  for (;;) {
    try {
      last = await probe();
      cause = undefined;
      if (last) return last;
    } catch (error) {
      cause = error;
    }
    if (Date.now() >= deadline) {
      const seen = cause ? cause.message : JSON.stringify(last);
      throw new Error(`waited ${within} ms for ${what}; last seen: ${seen}`, { cause });
    }
    await sleep(every);
  }
}
