// Debian's own Chromium; nothing is downloaded.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

export async function openBrowser() {
  const executablePath = process.env.ZHIDA_TEST_CHROMIUM
    ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  if (!executablePath) throw new Error('no Chromium found: apt-get install chromium, or name one in ZHIDA_TEST_CHROMIUM');
  return chromium.launch({
    executablePath,
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-dev-shm-usage',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
    ],
  });
}
